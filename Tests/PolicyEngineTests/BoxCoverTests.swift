import Testing

@testable import PolicyEngine

@Suite struct BoxCoverTests {
  private func points(of box: BoxCover.Box, _ sizes: [Int]) -> [Int] {
    box.indices.reduce([0]) { points, axis in points.flatMap { point in box[axis].map { point * sizes[axis] + $0 } } }
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func `boxes cover every point that is inside, and none that is outside`(seed: UInt64) {
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    for _ in 0..<200 {
      let sizes = (0..<4).map { _ in Int.random(in: 1...4, using: &random) }
      let grid = (0..<sizes.reduce(1, *)).map { _ in random.pick([BoxCover.Point.inside, .inside, .outside, .void]) }
      let boxes = BoxCover(sizes: sizes, points: grid).boxes()
      let covered = Set(boxes.flatMap { points(of: $0, sizes) })
      for (point, kind) in grid.enumerated() {
        if kind == .inside { #expect(covered.contains(point)) }
        if kind == .outside { #expect(!covered.contains(point)) }
      }
      #expect(boxes.count <= grid.count { $0 == .inside })
    }
  }

  @Test func `what is one box is told as one`() {
    let sizes = [3, 4, 2]
    let box = [[0, 2], [1, 2, 3], [0]]
    var grid = [BoxCover.Point](repeating: .outside, count: 24)
    for point in points(of: box, sizes) { grid[point] = .inside }
    #expect(BoxCover(sizes: sizes, points: grid).boxes() == [box])
  }

  @Test func `a box reaches over what is no situation, and tells an axis whole that lacks nothing else`() {
    #expect(BoxCover(sizes: [4], points: [.inside, .void, .inside, .void]).boxes() == [[[0, 1, 2, 3]]])
    #expect(BoxCover(sizes: [4], points: [.inside, .void, .inside, .outside]).boxes() == [[[0, 2]]])
  }
}

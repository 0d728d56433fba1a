/// Covers points of a grid with boxes: for each box a set of values on each axis, of which every combination is covered.
///
/// It is greedy: the first point that no box has yet grows along one axis after the other as far as it can, in several orders of axes, and
/// the largest box is taken. The fewest boxes of all would take exponential time to find.
struct BoxCover {
  /// What stands at a point.
  enum Point: UInt8 {
    /// Not to be covered.
    case outside
    case inside
    /// No situation: a box may reach over it.
    case void
  }

  /// For each axis the values, in order.
  typealias Box = [[Int]]

  private let sizes: [Int]
  private let strides: [Int]
  private let points: [Point]
  private let toldAxes: Set<Int>

  /// - Parameters:
  ///   - points: the last axis varies fastest.
  ///   - toldAxes: those on which a value with which there is no situation is none of a box's.
  init(sizes: [Int], points: [Point], toldAxes: Set<Int> = []) {
    self.toldAxes = toldAxes
    self.sizes = sizes
    self.points = points
    var strides = [Int](repeating: 1, count: sizes.count)
    for axis in sizes.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * sizes[axis + 1] }
    self.strides = strides
  }

  func boxes() -> [Box] {
    var covered = [Bool](repeating: false, count: points.count)
    var boxes: [Box] = []
    for index in points.indices where points[index] == .inside && !covered[index] {
      let start = sizes.indices.map { [index / strides[$0] % sizes[$0]] }
      var best = (box: start, new: 0)
      for order in orders {
        let box = grown(start, in: order)
        let new = count(box) { points[$0] == .inside && !covered[$0] }
        if new > best.new { best = (box, new) }
      }
      forEachPoint(of: best.box) { covered[$0] = true }
      boxes.append(completed(best.box))
    }
    return boxes
  }

  /// Each axis first once, the others in their order.
  private var orders: [[Int]] { sizes.indices.map { first in [first] + sizes.indices.filter { $0 != first } } }

  private func grown(_ start: Box, in order: [Int]) -> Box {
    var box = start
    for axis in order {
      let own = box[axis]
      for value in 0..<sizes[axis] where !own.contains(value) {
        var side = box
        side[axis] = [value]
        var fits = true
        var touches = false
        forEachPoint(of: side) { point in
          if points[point] == .outside { fits = false }
          if points[point] == .inside { touches = true }
        }
        if fits, touches { box[axis].append(value) }
      }
      box[axis].sort()
    }
    return box
  }

  /// An axis on which a box lacks only values with which there is no situation has all of them: then it need not be told.
  private func completed(_ box: Box) -> Box {
    var box = box
    for axis in sizes.indices where box[axis].count < sizes[axis] && !toldAxes.contains(axis) {
      var side = box
      side[axis] = (0..<sizes[axis]).filter { !box[axis].contains($0) }
      var isVoid = true
      forEachPoint(of: side) { if points[$0] != .void { isVoid = false } }
      if isVoid { box[axis] = Array(0..<sizes[axis]) }
    }
    return box
  }

  private func count(_ box: Box, _ counts: (Int) -> Bool) -> Int {
    var count = 0
    forEachPoint(of: box) { if counts($0) { count += 1 } }
    return count
  }

  private func forEachPoint(of box: Box, _ body: (Int) -> Void) {
    var places = [Int](repeating: 0, count: box.count)
    while true {
      body(zip(box.indices, places).reduce(0) { $0 + box[$1.0][$1.1] * strides[$1.0] })
      var axis = box.count - 1
      while axis >= 0 {
        places[axis] += 1
        if places[axis] < box[axis].count { break }
        places[axis] = 0
        axis -= 1
      }
      if axis < 0 { return }
    }
  }
}

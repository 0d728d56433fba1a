import Testing

@testable import FaultLab

@Suite struct OperationSetTests {
  @Test func `a set behaves as a set, in whatever order it is filled`() {
    for seed in UInt64(0)..<200 {
      var random = SeededRandom(seed: seed)
      let universe = 1 + random.below(300)
      let density = random.below(101)
      let members = Set((0..<universe).filter { _ in random.chance(density) })
      var (one, other) = (OperationSet(), OperationSet())
      for member in members.shuffled(using: &random) { one.insert(member) }
      for member in members.sorted() { other.insert(member) }
      #expect(one == other && one.hashValue == other.hashValue, "seed \(seed): equal sets have equal forms")
      #expect((0..<universe + 70).allSatisfy { one.contains($0) == members.contains($0) }, "seed \(seed)")

      let more =
        random.chance(50) ? members.union([random.below(400)]) : Set((0..<universe).filter { _ in random.chance(density) })
      var third = OperationSet()
      for member in more { third.insert(member) }
      #expect(one.isSubset(of: third) == members.isSubset(of: more), "seed \(seed)")
      #expect(third.isSubset(of: one) == more.isSubset(of: members), "seed \(seed)")
    }
  }
}

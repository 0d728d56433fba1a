import RegionStore
import Testing

struct DurabilityTests {
  private static func state(
    _ names: String, _ standings: [ClusterState.Standing] = [], flushed: UInt64 = 100, standbysFlushed: [UInt64] = [],
    timeline: UInt32 = 1, system: UInt64 = 7, wait: ClusterState.CommitWait = .on, hidden: Int = 0
  ) -> ClusterState {
    let position = LogSequenceNumber(rawValue: flushed)
    let standbys = standings.enumerated().map { index, standing in
      let flushed = LogSequenceNumber(rawValue: standbysFlushed.indices.contains(index) ? standbysFlushed[index] : flushed)
      return ClusterState.Standby(standing: standing, flushed: flushed, replayed: .zero)
    }
    return ClusterState(
      systemIdentifier: system, role: .primary(timeline: timeline, written: position, flushed: position),
      synchronousStandbyNames: names, commitWait: wait, standbys: standbys, hiddenStandbys: hidden)
  }

  private static let standby = ClusterState(
    systemIdentifier: 7, role: .standby(replayed: LogSequenceNumber(rawValue: 100)), synchronousStandbyNames: "ANY 1 (a)",
    commitWait: .on, standbys: [.init(standing: .quorum, flushed: .init(rawValue: 100), replayed: .init(rawValue: 100))])

  @Test func `a quorum is what the setting asks for, if so many are attached`() {
    #expect(Self.state("ANY 1 (a, b)", [.quorum, .quorum]).durability == .quorum(confirmations: 1))
    #expect(Self.state("ANY 2 (a, b)", [.quorum, .quorum]).durability == .quorum(confirmations: 2))
    #expect(Self.state("FIRST 1 (a, b)", [.sync, .potential]).durability == .quorum(confirmations: 1))
    #expect(Self.state("a, b", [.sync, .potential]).durability == .quorum(confirmations: 1))
    #expect(Self.state("*", [.sync]).durability == .quorum(confirmations: 1))
  }

  @Test func `with fewer attached, commits stall rather than lie`() {
    #expect(Self.state("ANY 1 (a)").durability == .stalled(confirmations: 1, attached: 0))
    #expect(Self.state("ANY 2 (a, b)", [.quorum]).durability == .stalled(confirmations: 2, attached: 1))
    #expect(Self.state("ANY 1 (a)", [.async, .potential]).durability == .stalled(confirmations: 1, attached: 0))
    #expect(Self.state("ANY 1 (a)", [.quorum]).gaps(requiring: 1).isEmpty)
    #expect(Self.state("ANY 1 (a)").gaps(requiring: 1) == [.stalled(confirmations: 1, attached: 0)])
  }

  @Test(arguments: ["", " ", "ANY 1 (a", "ANY 0 (a)", "ANY", "a,", "\"a"])
  func `an empty or unreadable setting promises nothing, whoever is attached`(setting: String) {
    let state = Self.state(setting, [.quorum, .quorum])
    #expect(state.durability == .local)
    #expect(state.gaps(requiring: 1) == [.promised(confirmations: 0, required: 1)])
  }

  @Test func `what a region requires is compared with what is promised`() {
    #expect(Self.state("ANY 1 (a, b)", [.quorum, .quorum]).gaps(requiring: 2) == [.promised(confirmations: 1, required: 2)])
    #expect(Self.state("ANY 2 (a, b)", [.quorum, .quorum]).gaps(requiring: 1).isEmpty)
    #expect(Self.state("", []).gaps(requiring: 0).isEmpty)
    #expect(Self.state("ANY 1 (a)", [.quorum], wait: .local).gaps(requiring: 1) == [.weakDefault(.local)])
    #expect(Self.state("ANY 1 (a)", [.quorum], wait: .remoteWrite).gaps(requiring: 1) == [.weakDefault(.remoteWrite)])
    #expect(Self.state("ANY 1 (a)", [.quorum], wait: .remoteApply).gaps(requiring: 1).isEmpty)
    #expect(
      Self.state("ANY 1 (a)", [], hidden: 1).gaps(requiring: 1) == [.standbysHidden, .stalled(confirmations: 1, attached: 0)])
  }

  @Test func `a standby promises nothing and proves nothing`() {
    #expect(Self.standby.durability == .notPrimary)
    #expect(Self.standby.gaps(requiring: 0) == [.notPrimary])
    #expect(Self.standby.gaps(requiring: 1) == [.notPrimary])
    #expect(!Self.standby.proves(flushedUpTo: .zero, confirmations: 1))
    #expect(CommitProof(after: Self.standby, confirmations: 0) == nil)
  }

  @Test func `a position is proved by as many synchronous standbys as are asked for, and by no other`() {
    let position = LogSequenceNumber(rawValue: 100)
    func proves(_ standings: [ClusterState.Standing], _ flushed: [UInt64], _ count: Int) -> Bool {
      Self.state("ANY 1 (a)", standings, standbysFlushed: flushed).proves(flushedUpTo: position, confirmations: count)
    }
    #expect(proves([.quorum], [100], 1))
    #expect(proves([.sync], [200], 1))
    #expect(!proves([.quorum], [99], 1))
    #expect(!proves([.async], [100], 1))
    #expect(!proves([.potential], [100], 1))
    #expect(!proves([], [], 1))
    #expect(proves([.quorum, .quorum], [99, 100], 1))
    #expect(!proves([.quorum, .quorum], [99, 100], 2))
    #expect(proves([.quorum, .quorum, .quorum], [99, 100, 101], 2))
    #expect(proves([], [], 0))
    // Nobody proves what the primary itself has not flushed.
    #expect(
      !Self.state("ANY 1 (a)", [.quorum], flushed: 99, standbysFlushed: [500]).proves(flushedUpTo: position, confirmations: 1))
  }

  @Test func `a commit is proved when its standbys have it, and lost when another history answers`() throws {
    let before = Self.state("ANY 1 (a)", [.quorum], standbysFlushed: [90])
    let proof = try #require(CommitProof(after: before, confirmations: 1))
    #expect(proof.verdict(on: before) == .pending)
    #expect(proof.verdict(on: Self.state("ANY 1 (a)", [.quorum], flushed: 500, standbysFlushed: [100])) == .proved)
    // The waiters were let go: nobody is synchronous any more.
    #expect(proof.verdict(on: Self.state("", [.async], flushed: 500, standbysFlushed: [500])) == .pending)
    #expect(proof.verdict(on: Self.state("ANY 1 (a)", [.quorum], flushed: 500, timeline: 2)) == .lost)
    #expect(proof.verdict(on: Self.state("ANY 1 (a)", [.quorum], flushed: 500, system: 8)) == .lost)
    #expect(proof.verdict(on: Self.standby) == .lost)
  }
}

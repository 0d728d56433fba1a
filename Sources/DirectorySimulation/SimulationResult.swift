/// What came of simulations: of one, or of many added up.
package struct SimulationResult: Hashable, Sendable {
  /// How many simulations.
  package private(set) var runs = 0
  /// What happened in them: messages, timers, transactions, client's operations, disasters.
  package private(set) var occurrences = 0
  /// How often the checker looked whether a promise was kept.
  package private(set) var checks = 0
  /// Operations of clients that were acknowledged.
  package private(set) var acknowledged = 0
  package private(set) var sessionReads = 0
  package private(set) var snapshots = 0
  /// Entries that a region took back from its peers after it was restored, and those that it wrote anew.
  package private(set) var recovered = 0
  package private(set) var reissued = 0
  package private(set) var floors = 0
  /// Subjects that were registered twice, and stayed contested.
  package private(set) var contested = 0
  /// Simulations in which nobody remembered enough to decide between two histories. Nothing is decided then, and nothing is lost.
  package private(set) var undecided = 0
  /// Promises that were not kept, in words; none where all is well.
  package private(set) var violations: [String] = []

  package init() {}

  /// Runs a scenario to its end.
  /// - Throws: where the simulation itself is wrong.
  package init(of scenario: SimulationScenario) throws {
    var world = try SimulatedWorld(scenario)
    try world.run()
    self.init(of: world)
  }

  init(of world: SimulatedWorld) {
    runs = 1
    occurrences = world.occurrences
    checks = world.checker.checkCount
    acknowledged = world.checker.committedCount
    sessionReads = world.checker.sessionReadCount
    snapshots = world.checker.snapshotCount
    recovered = world.checker.recoveredCount
    reissued = world.checker.reissuedCount
    floors = world.checker.floorCount
    contested = world.checker.contestedAtEnd
    undecided = world.checker.needsOperator.isEmpty ? 0 : 1
    violations = world.checker.violations
  }

  package static func += (sum: inout SimulationResult, other: SimulationResult) {
    sum.runs += other.runs
    sum.occurrences += other.occurrences
    sum.checks += other.checks
    sum.acknowledged += other.acknowledged
    sum.sessionReads += other.sessionReads
    sum.snapshots += other.snapshots
    sum.recovered += other.recovered
    sum.reissued += other.reissued
    sum.floors += other.floors
    sum.contested += other.contested
    sum.undecided += other.undecided
    sum.violations += other.violations
  }
}

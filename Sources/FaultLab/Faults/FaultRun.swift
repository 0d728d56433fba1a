import FoundationEssentials

/// One fault under load: the load begins, the fault strikes, is held and undone, the load goes on a little, every register is read, and the
/// history is checked.
struct FaultRun {
  let fault: Fault
  let plan: FaultPlan
  let cluster: FaultCluster
  let report: @Sendable (String) -> Void

  /// When things happened, in nanoseconds since the start of the history.
  struct Marks: Sendable {
    var loaded = 0
    /// The fault was in force.
    var inForce = 0
    /// It began to be undone.
    var undoing = 0
    /// The region was healthy again.
    var healthy = 0
    var over = 0
  }

  struct NotServed: Error, CustomStringConvertible {
    let when: String
    var description: String { "no write or no read was acknowledged within \(FaultPlan.patience.components.seconds) s \(when)" }
  }

  /// - Throws: where the fault could not be done or undone, or the region does not serve before or after it.
  func run() async throws -> FaultOutcome {
    let load = RegisterLoad(
      name: fault.rawValue, keys: FaultPlan.keys(of: fault),
      file: try HistoryFile(creating: plan.history(of: fault)),
      callers: await cluster.callers)
    var scene = try await FaultScene(fault, on: cluster)
    let marks = try await marks(of: &scene, under: load)
    let final = try await load.readAll(patience: .seconds(20))
    let history = try load.finish()
    let counts = load.meter.counts
    return FaultOutcome(
      fault, history, marks, counts: counts, ledger: load.meter.ledger, final: final, effect: scene.effect)
  }

  /// The load runs beside the fault, and ends with it; where either fails, so does the other.
  private func marks(of scene: inout FaultScene, under load: RegisterLoad) async throws -> Marks {
    let working = Task { try await load.run(workers: plan.connections, seed: plan.seed) }
    do {
      let marks = try await play(&scene, under: load)
      load.stop()
      try await working.value
      return marks
    } catch {
      load.stop()
      working.cancel()
      _ = await working.result
      throw error
    }
  }

  private func play(_ scene: inout FaultScene, under load: RegisterLoad) async throws -> Marks {
    var marks = Marks()
    try await awaitService(by: load, "before the fault")
    try await Task.sleep(for: FaultPlan.lead)
    marks.loaded = load.nanoseconds
    report("\(fault.rawValue): \(load.meter.counts.writes) writes acknowledged; now it strikes")
    try await scene.strike()
    marks.inForce = load.nanoseconds
    try await scene.hold(for: fault.refusesEverything ? max(plan.held, FaultPlan.refusal) : plan.held)
    if fault == .acknowledgementLost { try await holdUntilSettled(&scene, load.meter) }
    marks.undoing = load.nanoseconds
    report("\(fault.rawValue): \(scene.effect); undoing it")
    try await scene.undo()
    marks.healthy = load.nanoseconds
    try await awaitService(by: load, "after the fault")
    try await Task.sleep(for: FaultPlan.tail)
    marks.over = load.nanoseconds
    return marks
  }

  /// How long is waited for the first repeat that settles a write: few of the lost acknowledgements befall a client that repeats.
  private static let settlingMax = Duration.seconds(60)

  private func holdUntilSettled(_ scene: inout FaultScene, _ meter: LoadMeter) async throws {
    let limit = ContinuousClock.now + Self.settlingMax
    while meter.counts.settled == 0, .now < limit { try await scene.hold(for: .seconds(5)) }
  }

  /// Returns when a write and a read that end after this call have been acknowledged.
  private func awaitService(by load: RegisterLoad, _ when: String) async throws {
    let before = load.meter.counts
    let limit = ContinuousClock.now + FaultPlan.patience
    while load.meter.counts.writes == before.writes || load.meter.counts.reads == before.reads {
      guard ContinuousClock.now < limit else { throw NotServed(when: when) }
      try await Task.sleep(for: .milliseconds(20))
    }
  }
}

import FoundationEssentials
import Synchronization

/// Clients at work on a set of registers until told to stop. What they did is a history.
final class RegisterLoad: Sendable {
  let meter = LoadMeter()
  let keys: [RegisterKey]
  private let recorder: HistoryRecorder
  private let callers: RegisterCallers
  private let name: String
  private let began: ContinuousClock.Instant
  private let over = Mutex(false)

  /// - Parameters:
  ///   - name: no other load of the region has it.
  ///   - file: gets the history as it happens.
  ///   - callers: each worker has its own.
  init(name: String, keys: [RegisterKey], file: consuming HistoryFile?, callers: RegisterCallers) {
    let began = ContinuousClock.now
    self.began = began
    self.name = name
    self.keys = keys
    self.callers = callers
    recorder = HistoryRecorder(file: file) { .now - began }
  }

  /// Since the start of the history.
  var nanoseconds: Int { Int((ContinuousClock.now - began) / .nanoseconds(1)) }

  func stop() { over.withLock { $0 = true } }

  /// Returns when all workers have been told to stop and have ended what they were at: at the latest when a repeat's patience ends.
  func run(workers count: Int, seed: UInt64) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<count { group.addTask { try await self.work(number, seed: seed) } }
      try await group.waitForAll()
    }
  }

  /// Reads every register once through each coordinator, however long that takes up to `patience`; these reads are part of the history.
  /// - Returns: what each holds at the end; `nil` where one could not be read.
  func readAll(patience: Duration) async throws -> [RegisterKey: RegisterState]? {
    try await callers.with(timeout: FaultPlan.timeoutShort) { clients in
      var states: [RegisterKey: RegisterState]? = [:]
      for key in keys {
        for client in clients {
          guard let state = try await readInsistently(key, through: client, until: .now + patience) else {
            states = nil
            continue
          }
          states?[key] = state
        }
      }
      return states
    }
  }

  /// Nothing is recorded any more.
  /// - Throws: where the file lacks an event.
  func finish() throws -> History { try recorder.finish() }

  private func work(_ number: Int, seed: UInt64) async throws {
    let load = RegisterWorker.Load(
      keys: keys, recorder: recorder, meter: meter, name: name,
      isOver: { self.over.withLock { $0 } || Task.isCancelled })
    // One in three is patient; which coordinator is its own and whether it is careful go by its number too.
    let isPatient = number / (2 * callers.urls.count) % 3 == 1
    try await callers.with(timeout: isPatient ? FaultPlan.timeoutLong : FaultPlan.timeoutShort) { clients in
      var worker = RegisterWorker(number, load: load, clients: clients, seed: seed)
      try await worker.run()
    }
  }

  private func readInsistently(
    _ key: RegisterKey, through client: RegisterClient, until limit: ContinuousClock.Instant
  ) async throws -> RegisterState? {
    let load = RegisterWorker.Load(keys: [key], recorder: recorder, meter: meter, name: name, isOver: { true })
    var reader = RegisterWorker(0, load: load, clients: [client], seed: 0)
    while ContinuousClock.now < limit {
      if let state = try await reader.read(key) { return state }
      try await Task.sleep(for: .milliseconds(200))
    }
    return nil
  }
}

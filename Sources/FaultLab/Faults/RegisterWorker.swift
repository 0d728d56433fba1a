import FoundationEssentials

/// One client: asks for one thing after the other, and records what it asked and was told.
///
/// A careful one repeats a write of unknown outcome with the same request id until it knows, and where a coordinator fails it, asks the
/// next one, to come back to its own now and then. A simple one leaves it at that, and stays with its coordinator.
struct RegisterWorker {
  /// What all workers of a load share.
  struct Load: Sendable {
    let keys: [RegisterKey]
    let recorder: HistoryRecorder
    let meter: LoadMeter
    /// Part of every request id, so that no two loads share one.
    let name: String
    let isOver: @Sendable () -> Bool
  }

  /// Repeats go on for longer than any failover takes.
  private static let patience = Duration.seconds(45)
  private static let pauseMilliseconds = 0...40
  private static let pauseAfterFailure = Duration.milliseconds(100)

  private let load: Load
  /// A client for each coordinator.
  private let clients: [RegisterClient]
  private let isCareful: Bool
  private let preferred: Int
  private var coordinator: Int
  private var process: Int
  private var generator: SeededGenerator

  /// - Parameter number: of the worker. It decides which coordinator is its own, and whether it is careful.
  init(_ number: Int, load: Load, clients: [RegisterClient], seed: UInt64) {
    self.load = load
    self.clients = clients
    isCareful = number / clients.count % 2 == 0
    preferred = number % clients.count
    coordinator = preferred
    process = load.recorder.newProcess()
    generator = SeededGenerator(seed: seed &+ UInt64(number) &* 0x9e37_79b9)
  }

  /// Until the load is over.
  /// - Throws: ``HistoryError`` where what it did is no history.
  mutating func run() async throws {
    while !load.isOver() {
      guard let key = load.keys.randomElement(using: &generator) else { return }
      let isServed =
        switch Int.random(in: 0..<100, using: &generator) {
        case ..<45: try await read(key) != nil
        case ..<65: try await write(key, after: nil)
        default:
          if let state = try await read(key) { try await write(key, after: state) } else { false }
        }
      if isServed {
        if Int.random(in: 0..<10, using: &generator) == 0 { coordinator = preferred }
        try? await Task.sleep(for: .milliseconds(Int.random(in: Self.pauseMilliseconds, using: &generator)))
      } else {
        if isCareful { coordinator = (coordinator + 1) % clients.count }
        try? await Task.sleep(for: Self.pauseAfterFailure)
      }
    }
  }

  /// - Returns: what was read; `nil` where there was no answer.
  mutating func read(_ key: RegisterKey) async throws -> RegisterState? {
    try load.recorder.invoke(process: process, key: key.name, .read(nil))
    switch await clients[coordinator].read(key) {
    case .done(let state):
      load.meter.noteRead(state, of: key)
      try load.recorder.complete(process: process, .value(state.value))
      return state
    case .refused(let reason), .unknown(let reason):
      load.meter.noteFailure(reason)
      try load.recorder.complete(process: process, .failed)
      return nil
    }
  }

  /// A write, or with `state` a compare-and-set: values are unique, so "still at that version" is "still has that value".
  /// - Returns: whether the region answered.
  private mutating func write(_ key: RegisterKey, after state: RegisterState?) async throws -> Bool {
    let value = load.meter.newValue()
    let action: RegisterAction = state.map { .compareAndSet(expected: $0.value, new: value) } ?? .write(value)
    try load.recorder.invoke(process: process, key: key.name, action)
    let (answer, attempts) = await send(value, to: key, expecting: state?.version)
    switch answer {
    case .done(let version):
      load.meter.noteWrite(
        RegisterState(value: value, version: version), of: key, settled: attempts > 1)
      try load.recorder.complete(process: process, .done)
      return true
    case .refused(let reason):
      try load.recorder.complete(process: process, .failed)
      return reason == Self.versionMismatch
    case .unknown:
      try load.recorder.complete(process: process, .unknown)
      process = load.recorder.newProcess()
      return false
    }
  }

  private static let versionMismatch = "VERSION_MISMATCH"

  /// Once an outcome is unknown, only two answers to a repeat settle it: the first answer again, or that the version has moved on, as it
  /// never comes back. Other refusals speak of the repeat alone.
  private mutating func send(
    _ value: Int, to key: RegisterKey, expecting version: UInt64?
  ) async -> (answer: RegisterAnswer<UInt64>, attempts: Int) {
    let limit = ContinuousClock.now + Self.patience
    var attempts = 0
    var unknown: RegisterAnswer<UInt64>?
    while true {
      attempts += 1
      let answer = await clients[coordinator].write(
        value, to: key, expecting: version, requestID: "\(load.name)-\(value)")
      switch answer {
      case .done: return (answer, attempts)
      case .refused(let reason):
        load.meter.noteFailure(reason)
        if unknown != nil, reason == Self.versionMismatch { load.meter.noteSettled() }
        if unknown == nil || reason == Self.versionMismatch { return (answer, attempts) }
      case .unknown(let reason):
        load.meter.noteFailure(reason)
        unknown = unknown ?? answer
      }
      guard isCareful, !Task.isCancelled, .now < limit else { return (unknown ?? answer, attempts) }
      coordinator = (coordinator + 1) % clients.count
      try? await Task.sleep(for: Self.pauseAfterFailure)
    }
  }
}

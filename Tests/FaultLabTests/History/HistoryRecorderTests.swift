import FoundationEssentials
import Glibc
import Synchronization
import Testing

@testable import FaultLab

/// A value that tasks share.
private final class Shared<Value: Sendable>: Sendable {
  private let value: Mutex<Value>

  init(_ value: Value) { self.value = Mutex(value) }

  func change<Result: Sendable>(_ body: (inout Value) -> Result) -> Result { value.withLock { body(&$0) } }
}

@Suite struct HistoryRecorderTests {
  private func temporaryPath() -> String {
    FileManager.default.temporaryDirectory.appending(path: "history-\(UUID().uuidString).jsonl").path
  }

  private func problem(_ body: () throws(HistoryError) -> Void) -> HistoryError.Problem? {
    do throws(HistoryError) {
      try body()
      return nil
    } catch { return error.problem }
  }

  @Test func `events have dense indices and the times of the given source`() throws {
    let time = Shared(Duration.zero)
    let recorder = HistoryRecorder { time.change { $0 } }
    try recorder.invoke(process: 0, key: "k", .write(1))
    time.change { $0 = .nanoseconds(1_500_000_007) }
    try recorder.complete(process: 0, .done)
    time.change { $0 = .seconds(1) }
    try recorder.invoke(process: 0, key: "k", .read(nil))
    try recorder.complete(process: 0, .value(1))
    let history = try recorder.finish()
    #expect(history.events.map(\.index) == [0, 1, 2, 3])
    #expect(history.events.map(\.nanoseconds) == [0, 1_500_000_007, 1_500_000_007, 1_500_000_007], "time does not run backwards")
    #expect(history.events.map(\.kind) == [.invoke, .ok, .invoke, .ok])
    #expect(history.operations.map(\.action) == [.write(1), .read(1)])
  }

  @Test func `a process that does not know its outcome goes on under another number`() throws {
    let recorder = HistoryRecorder { .zero }
    let first = recorder.newProcess()
    try recorder.invoke(process: first, key: "k", .write(1))
    try recorder.complete(process: first, .unknown)
    #expect(
      problem { () throws(HistoryError) in try recorder.invoke(process: first, key: "k", .read(nil)) }
        == .processHasEnded(process: first, at: 1))
    try recorder.invoke(process: 7, key: "k", .read(nil))
    #expect(recorder.newProcess() == 8, "a number that somebody chose is not given out")
  }

  @Test func `what cannot have happened is refused and not recorded`() throws {
    let recorder = HistoryRecorder { .zero }
    #expect(problem { () throws(HistoryError) in try recorder.complete(process: 0, .done) } == .completesNothing(process: 0))
    try recorder.invoke(process: 0, key: "k", .read(nil))
    let mismatch = HistoryError.Problem.differsFromInvocation(process: 0, invoked: 0)
    #expect(problem { () throws(HistoryError) in try recorder.complete(process: 0, .done) } == mismatch)
    #expect(
      problem { () throws(HistoryError) in try recorder.invoke(process: 0, key: "k", .read(nil)) }
        == .processIsBusy(process: 0, since: 0))
    try recorder.invoke(process: 1, key: "k", .write(1))
    #expect(
      problem { () throws(HistoryError) in try recorder.complete(process: 1, .value(1)) }
        == .differsFromInvocation(process: 1, invoked: 1))
    #expect(recorder.history.events.count == 2)
    #expect(recorder.history.operations.map(\.outcome) == [.unknown, .unknown], "what is open has an unknown outcome")
  }

  @Test func `the file has each event as soon as it is recorded`() throws {
    let path = temporaryPath()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let recorder = HistoryRecorder(file: try HistoryFile(creating: path)) { .milliseconds(2) }
    try recorder.invoke(process: 0, key: "k", .compareAndSet(expected: nil, new: 3))
    let first = #"{"index":0,"type":"invoke","process":0,"f":"cas","key":"k","value":[null,3],"time":2000000}"# + "\n"
    #expect(try String(contentsOfFile: path, encoding: .utf8) == first)
    try recorder.complete(process: 0, .failed)
    let history = try recorder.finish()
    #expect(try History(parsing: Data(contentsOf: URL(filePath: path))) == history)
    #expect(problem { () throws(HistoryError) in try recorder.invoke(process: 0, key: "k", .read(nil)) } == .recordingHasEnded)
    #expect(recorder.history == history)
  }

  @Test func `a file is never written over`() throws {
    let path = temporaryPath()
    defer { try? FileManager.default.removeItem(atPath: path) }
    _ = try HistoryFile(creating: path)
    #expect(throws: HistoryFile.Failure(path: path, code: EEXIST)) { _ = try HistoryFile(creating: path) }
  }

  @Test func `a full disk is reported at the end, and the history in memory is whole`() throws {
    let recorder = HistoryRecorder(file: try HistoryFile(opening: "/dev/full")) { .zero }
    try recorder.invoke(process: 0, key: "k", .write(1))
    try recorder.complete(process: 0, .done)
    #expect(throws: HistoryFile.Failure(path: "/dev/full", code: ENOSPC)) { try recorder.finish() }
    #expect(recorder.history.events.count == 2)
  }

  @Test func `tasks that share a register under a lock have a linearizable history`() async throws {
    let clock = ContinuousClock()
    let start = clock.now
    let recorder = HistoryRecorder { start.duration(to: clock.now) }
    let registers = Shared<[String: Int]>([:])
    try await withThrowingTaskGroup(of: Void.self) { group in
      for seed in UInt64(0)..<8 {
        group.addTask {
          var random = SeededRandom(seed: seed)
          var process = recorder.newProcess()
          for number in 0..<250 {
            let (key, new) = ("k\(random.below(3))", Int(seed) * 1_000 + number)
            let seen = registers.change { $0[key] }
            let action = random.pick([RegisterAction.read(nil), .write(new), .compareAndSet(expected: seen, new: new)])
            try recorder.invoke(process: process, key: key, action)
            await Task.yield()
            let answer: HistoryRecorder.Completion = registers.change { values in
              switch action {
              case .read: return .value(values[key])
              case .compareAndSet(let expected, _) where values[key] != expected: return .failed
              case .write, .compareAndSet:
                values[key] = new
                return .done
              }
            }
            await Task.yield()
            let isLost = random.chance(1)
            try recorder.complete(process: process, isLost ? .unknown : answer)
            if isLost { process = recorder.newProcess() }
          }
        }
      }
      try await group.waitForAll()
    }
    let history = try recorder.finish()
    let verdict = LinearizabilityChecker().check(history)
    #expect(verdict.isLinearizable, "\(verdict)\n\(history.jsonLines)")
    #expect(history.operations.count == 2_000)
    var openCount = 0
    let overlaps = history.events.count { event in
      defer { openCount += event.kind == .invoke ? 1 : -1 }
      return event.kind == .invoke && openCount > 0
    }
    #expect(overlaps > 200, "operations must have been concurrent: \(overlaps)")
  }
}

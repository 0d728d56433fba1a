import ConnectRPC
import DomicileAPI
import Residency
import SwiftProtobuf
import Testing

/// What a load of writers was told.
actor Journal {
  struct Address: Hashable, Sendable {
    let subject: String
    let key: String
  }

  /// The newest version of each record that a write was acknowledged with, and what it wrote.
  private(set) var written: [Address: (version: UInt64, number: Double)] = [:]
  private(set) var acknowledged = 0
  private(set) var failures: [ConnectError] = []

  func acknowledge(_ address: Address, version: UInt64, number: Double) {
    acknowledged += 1
    written[address] = (version, number)
  }

  func fail(_ error: ConnectError) { failures.append(error) }

  /// Asserts that every record is at the version of its last acknowledged write, or at a later one: of a write that was not
  /// acknowledged, but done.
  func expectNothingLost(_ caller: Caller, sourceLocation: Testing.SourceLocation = #_sourceLocation) async throws {
    #expect(!written.isEmpty, sourceLocation: sourceLocation)
    for (address, last) in written {
      let record = try await caller.get(address.subject, "profile", address.key).record
      #expect(record.version >= last.version, "\(address.key)", sourceLocation: sourceLocation)
      guard case .numberValue(let number) = record.value.fields["number"]?.kind else {
        Issue.record("\(address.key) is not what was written", sourceLocation: sourceLocation)
        continue
      }
      #expect(number >= last.number, "\(address.key)", sourceLocation: sourceLocation)
      if record.version == last.version { #expect(number == last.number, sourceLocation: sourceLocation) }
    }
  }
}

/// Callers that write one after the other, each to a record of its own, until they are stopped. Several share a subject.
struct Writers: Sendable {
  private let tasks: [Task<Void, Never>]

  /// - Parameter stopsAtFailure: whether a writer ends with its first failure.
  static func start(
    _ count: Int, at caller: Caller, in journal: Journal, stopsAtFailure: Bool = false
  ) async throws -> Writers {
    var subjects: [String] = []
    for _ in 0..<max(1, count / 4) {
      let subject = freshSubject("load")
      try await caller.register(subject)
      subjects.append(subject)
    }
    return Writers(
      tasks: (0..<count).map { number in
        let address = Journal.Address(subject: subjects[number % subjects.count], key: "writer-\(number)")
        return Task { await write(address, at: caller, in: journal, stopsAtFailure: stopsAtFailure) }
      })
  }

  private static func write(_ address: Journal.Address, at caller: Caller, in journal: Journal, stopsAtFailure: Bool) async {
    var number = 0.0
    while !Task.isCancelled {
      number += 1
      do {
        let answer = try await caller.put(address.subject, "profile", address.key, ["number": .init(numberValue: number)])
        await journal.acknowledge(address, version: answer.version, number: number)
      } catch {
        // The test ended it.
        if error.code == .canceled { return }
        await journal.fail(error)
        if stopsAtFailure { return }
      }
    }
  }

  /// Returns when every writer has had its last answer.
  func stop() async {
    for task in tasks { task.cancel() }
    await finish()
  }

  func finish() async { for task in tasks { await task.value } }
}

/// Why something is not a history: where, and what is wrong.
package struct HistoryError: Error, Hashable, Sendable, CustomStringConvertible {
  package enum Problem: Error, Hashable, Sendable {
    case notJSON
    case missing(member: String)
    case unknown(member: String)
    /// Another type or value than this member may have.
    case wrong(member: String)
    /// Indices are dense: each is one more than the last, from 0.
    case indexNotDense(found: Int, expected: Int)
    case timeRunsBackwards(from: Int, to: Int)
    /// A process has one operation open at most.
    case processIsBusy(process: Int, since: Int)
    /// After an `info` a process may still be at work: what goes on in its place has another number.
    case processHasEnded(process: Int, at: Int)
    case completesNothing(process: Int)
    /// Another key, function or value than the process asked for, or a read's value before its answer.
    case differsFromInvocation(process: Int, invoked: Int)
    /// The recorder has been closed.
    case recordingHasEnded
  }

  /// The event's line in a file of one event a line. Counts from 1.
  package let line: Int
  package let problem: Problem

  package init(line: Int, _ problem: Problem) {
    self.line = line
    self.problem = problem
  }

  package var description: String { "line \(line): \(problem)" }
}

extension HistoryError.Problem: CustomStringConvertible {
  package var description: String {
    switch self {
    case .notJSON: "not a JSON object"
    case .missing(let member): "`\(member)` is missing"
    case .unknown(let member): "`\(member)` is not a member of an event"
    case .wrong(let member): "`\(member)` must be \(Self.form(of: member))"
    case .indexNotDense(let found, let expected): "index \(found) where \(expected) follows"
    case .timeRunsBackwards(let before, let now): "time runs backwards, from \(before) to \(now)"
    case .processIsBusy(let process, let since): "process \(process) has an operation open, invoked at index \(since)"
    case .processHasEnded(let process, let at): "process \(process) ended with the unknown outcome at index \(at)"
    case .completesNothing(let process): "process \(process) has no operation open"
    case .differsFromInvocation(let process, let invoked):
      "not what process \(process) invoked at index \(invoked)"
    case .recordingHasEnded: "the recording has ended"
    }
  }

  private static func form(of member: String) -> String {
    switch member {
    case "type": "one of \(HistoryEvent.Kind.allCases.map(\.rawValue).joined(separator: ", "))"
    case "f": "one of read, write, cas"
    case "key": "a string"
    case "value": "an integer or null, for cas a pair of them"
    default: "an integer"
    }
  }
}

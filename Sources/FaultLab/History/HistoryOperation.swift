/// An operation as its process saw it: its invocation and, where there is one, its completion.
package struct HistoryOperation: Hashable, Sendable {
  package enum Outcome: String, Hashable, Sendable, CaseIterable {
    case ok
    case failed = "fail"
    /// An `info`, or the history ends while the operation is open.
    case unknown = "info"
  }

  package let invocation: HistoryEvent
  package internal(set) var completion: HistoryEvent?

  package var process: Int { invocation.process }
  package var key: String { invocation.key }
  /// With the value read, where the outcome is `ok`.
  package var action: RegisterAction { completion?.action ?? invocation.action }

  package var outcome: Outcome {
    switch completion?.kind {
    case .ok: .ok
    case .fail: .failed
    case .info, .invoke, nil: .unknown
    }
  }
}

extension HistoryOperation: CustomStringConvertible {
  /// `#4–#9 process 2: write 7`, by the indices of the events.
  package var description: String {
    let end = completion.map { "#\($0.index)" } ?? "end"
    let note =
      switch outcome {
      case .ok: ""
      case .failed: ", failed"
      case .unknown: ", outcome unknown"
      }
    return "#\(invocation.index)–\(end) process \(process): \(action)\(note)"
  }
}

/// One line of a history: an operation begins, or what became of it. The form is that of Jepsen's histories
/// (<https://github.com/jepsen-io/history>).
package struct HistoryEvent: Hashable, Sendable {
  package enum Kind: String, Hashable, Sendable, CaseIterable {
    /// The operation begins.
    case invoke
    /// It took effect, between its invocation and now.
    case ok
    /// It surely took no effect, and never will. It says nothing of what the register held.
    case fail
    /// Nobody knows: it may take effect at any time after its invocation, even after this event, or never.
    case info
  }

  /// The place in the history. Counts from 0. Real-time order is the order of indices, which are given out under a lock.
  package let index: Int
  package let kind: Kind
  /// Who asked: a single thread of control, with one operation open at a time.
  package let process: Int
  package let key: String
  /// An acknowledged read's has what was read; otherwise an operation has the same action in both of its events.
  package let action: RegisterAction
  /// Since the start of the run.
  package let nanoseconds: Int

  package init(index: Int, kind: Kind, process: Int, key: String, action: RegisterAction, nanoseconds: Int) {
    self.index = index
    self.kind = kind
    self.process = process
    self.key = key
    self.action = action
    self.nanoseconds = nanoseconds
  }
}

package import PolicyEngine
import Synchronization

/// The policies in force. Swapped whole: a call sees one set from its first decision to its last.
package final class PolicyHolder: Sendable {
  private let held: Mutex<PolicySet>

  package init(_ policies: PolicySet) { held = Mutex(policies) }

  package var current: PolicySet { held.withLock { $0 } }
  package func replace(with policies: PolicySet) { held.withLock { $0 = policies } }
}

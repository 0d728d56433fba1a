package import PolicyEngine
import Synchronization

/// The policies in force. Swapped whole: a call sees one set from its first decision to its last.
package final class PolicyHolder: Sendable {
  private let held: Mutex<PoliciesInForce>

  package init(_ policies: PolicySet) { held = Mutex(PoliciesInForce(policies)) }

  var inForce: PoliciesInForce { held.withLock { $0 } }
  package var current: PolicySet { inForce.set }
  package func replace(with policies: PolicySet) { held.withLock { $0 = PoliciesInForce(policies) } }

  /// Whether nobody knows any more that these are the policies: then nothing leaves its home region.
  func mark(outdated isOutdated: Bool) {
    held.withLock { held in
      if held.isOutdated != isOutdated { held = PoliciesInForce(held.set, isOutdated: isOutdated) }
    }
  }
}

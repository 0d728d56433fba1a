import PolicyEngine
import Synchronization

/// A set of policies, and what it decided lately. A decision depends on its request alone, so the same request is decided once.
final class PoliciesInForce: Sendable {
  let set: PolicySet
  /// They could not be confirmed for too long.
  let isOutdated: Bool
  private let decided = Mutex<[AccessRequest: Decision]>([:])

  /// Beyond this all are forgotten, and decided again when they are next asked for.
  private static let decisionsMax = 8_192

  init(_ set: PolicySet, isOutdated: Bool = false) {
    self.set = set
    self.isOutdated = isOutdated
  }

  func decide(_ request: AccessRequest) -> Decision {
    if isOutdated, request.leavesHome { return set.denial(of: request, .policiesOutdated) }
    if let known = decided.withLock({ $0[request] }) { return known }
    let decision = set.decide(request)
    decided.withLock { decided in
      if decided.count >= Self.decisionsMax { decided.removeAll() }
      decided[request] = decision
    }
    return decision
  }
}

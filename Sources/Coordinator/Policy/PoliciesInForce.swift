import AuditTrail
import PolicyEngine

/// A set of policies, what it decided lately, and how that is recorded. A decision depends on its request alone, so the same request is
/// decided once, and what the log says of it is written once.
final class PoliciesInForce: Sendable {
  let set: PolicySet
  /// They could not be confirmed for too long.
  let isOutdated: Bool
  private let decided = Recollection<AccessRequest, Decision>(countMax: 8_192)
  private let forms = Recollection<LeafOccasion, LeafForm>(countMax: 8_192)

  init(_ set: PolicySet, isOutdated: Bool = false) {
    self.set = set
    self.isOutdated = isOutdated
  }

  func decide(_ request: AccessRequest) -> Decision {
    decided.value(of: request) {
      isOutdated && request.leavesHome ? set.denial(of: request, .policiesOutdated) : set.decide(request)
    }
  }

  /// - Parameters:
  ///   - particulars: of any call of the occasion.
  ///   - region: always the same.
  func form(of occasion: LeafOccasion, _ particulars: AuditEvent.Particulars, in region: RegionContext) -> LeafForm {
    func written() -> LeafForm { occasion.event(particulars, in: region, by: set).form }
    return occasion.recurs ? forms.value(of: occasion, find: written) : written()
  }
}

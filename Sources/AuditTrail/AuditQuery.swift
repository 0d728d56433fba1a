package import Cryptography
package import Residency

/// Which events an auditor asks for. Conditions that are left out match everything; all others must hold.
package struct AuditQuery: Sendable {
  /// The codes of a subject's pseudonyms in the periods asked for: an empty set matches nobody.
  package var pseudonyms: Set<SHA256Digest>?
  package var effect: AuditEvent.Effect?
  /// Whether rules that only watch would have decided otherwise.
  package var isMonitored: Bool?
  package var principal: String?
  /// The subject's home.
  package var fromRegion: RegionID?
  /// Who asked.
  package var toRegion: RegionID?
  package var since: UTCTime?
  /// Events before then.
  package var until: UTCTime?
  /// Only what gave somebody a subject's data, or was refused.
  package var isDisclosureOrRefusal = false

  package init() {}

  package func matches(_ event: AuditEvent) -> Bool { matches(LeafOutline(event, index: 0)) }

  package func matches(_ leaf: LeafOutline) -> Bool {
    if let pseudonyms {
      guard let subject = leaf.subject, pseudonyms.contains(subject) else { return false }
    }
    if let effect, leaf.effect != effect { return false }
    if let isMonitored, leaf.isMonitored != isMonitored { return false }
    if let principal, leaf.principal != principal { return false }
    if let fromRegion, leaf.home != fromRegion { return false }
    if let toRegion, leaf.requester != toRegion { return false }
    if let since, leaf.time < since { return false }
    if let until, leaf.time >= until { return false }
    if isDisclosureOrRefusal, !leaf.activity.isDisclosure, leaf.effect == .allowed { return false }
    return true
  }
}

package import Residency

/// Which events an auditor asks for. Conditions that are left out match everything; all others must hold.
package struct AuditQuery: Sendable {
  /// A subject's pseudonyms in the periods asked for: an empty set matches nobody.
  package var pseudonyms: Set<AuditPseudonym>?
  package var effect: AuditEvent.Effect?
  /// Whether rules that only watch would have decided otherwise.
  package var isMonitored: Bool?
  package var principal: String?
  /// The subject's home.
  package var fromRegion: RegionID?
  /// Who asked.
  package var toRegion: RegionID?
  package var since: UTCTime?

  package init() {}

  package func matches(_ event: AuditEvent) -> Bool {
    if let pseudonyms {
      guard let subject = event.subject, pseudonyms.contains(subject) else { return false }
    }
    if let effect, event.effect != effect { return false }
    if let isMonitored, (event.monitored != nil) != isMonitored { return false }
    if let principal, event.principal != principal { return false }
    if let fromRegion, event.home?.region != fromRegion { return false }
    if let toRegion, event.requester.region != toRegion { return false }
    if let since, event.time < since { return false }
    return true
  }
}

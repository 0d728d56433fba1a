package import Residency

/// One file of rules for the homes that it names.
package struct PolicyPack: Hashable, Sendable {
  /// Whether what its rules say is done.
  package enum Mode: String, Hashable, Sendable, CaseIterable {
    /// Its rules decide.
    case enforce
    /// Its rules neither open nor close anything. What would have been decided if they did is found out beside each decision, and
    /// recorded where it differs.
    case monitor
  }

  package let name: String
  package let mode: Mode
  /// Where the mode is written, or the pack begins.
  package let location: SourceLocation
}

/// What would have been decided if packs in `monitor` were enforced, where that is something else.
package struct MonitoredOutcome: Hashable, Sendable {
  package let effect: Decision.Effect
  /// `nil` exactly where the effect is `permit`.
  package let reason: DenyReason?
  /// The rule that would settle it.
  package let rule: MatchedRule?
  /// Every rule of a monitored pack that applied, in order of id.
  package let rules: [MatchedRule]
  /// Where both permit: the fields that would be shown in another view, and in which.
  package let views: [Redaction]
}

extension MonitoredOutcome {
  /// - Parameters:
  ///   - enforced: what was decided.
  ///   - trial: what all packs together decide.
  ///   - isMonitored: whether a rule is one of a monitored pack.
  /// - Returns: `nil` where nobody would see a difference.
  init?(enforced: Decision, trial: Decision, isMonitored: (String) -> Bool) {
    let shown = Set(enforced.fieldViews)
    let changed = enforced.effect == .permit && trial.effect == .permit ? trial.fieldViews.filter { !shown.contains($0) } : []
    guard enforced.effect != trial.effect || !changed.isEmpty else { return nil }
    self.init(
      effect: trial.effect, reason: trial.reason, rule: trial.rule, rules: trial.rules.filter { isMonitored($0.id) },
      views: changed)
  }
}

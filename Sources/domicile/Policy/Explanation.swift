import PolicyEngine
import Residency

/// A decision in words, for `policy explain`.
struct Explanation {
  let request: AccessRequest
  let decision: Decision
  let style: TerminalStyle

  var text: String { lines.joined(separator: "\n") }

  private var lines: [String] {
    var lines = [headline]
    if let reason = decision.reason { lines.append(row("reason", reason.rawValue)) }
    if let rule = decision.rule { lines.append(row("rule", describe(rule))) }
    for rule in decision.rules where rule.id != decision.rule?.id { lines.append(row("also", describe(rule))) }
    if let basis = decision.legalBasis { lines.append(row("basis", basis)) }
    if let safeguard = decision.safeguard {
      let agreement = decision.agreement.map { " (\($0.id): \($0.reference))" } ?? ""
      lines.append(row("safeguard", safeguard.rawValue + agreement))
    }
    if !decision.unknown.isEmpty { lines.append(row("unknown", decision.unknown.joined(separator: ", "))) }
    if decision.effect == .deny, let permit = decision.nearestPermit {
      let lacks = permit.missing.isEmpty ? "" : " lacks \(permit.missing.joined(separator: ", "))"
      lines.append(row("nearest", "permit \(permit.rule) \(style.faint(permit.location.fileAndLine))\(lacks)"))
    }
    let views = decision.fieldViews
    let width = views.map(\.field.count).max() ?? 0
    for (index, view) in views.enumerated() {
      let name = view.field.padding(to: width)
      lines.append(row(index == 0 ? "fields" : "", "\(name)  \(paint(view.view))"))
    }
    if let monitored = decision.monitored { lines += rows(of: monitored) }
    lines.append(row("revision", style.faint(decision.revision)))
    return lines
  }

  private func rows(of monitored: MonitoredOutcome) -> [String] {
    let would = monitored.effect == decision.effect ? "" : "would \(monitored.effect.rawValue)"
    let views = monitored.views.map { "\($0.field) \($0.view.name)" }.joined(separator: ", ")
    let what = [would, views.isEmpty ? "" : "would show \(views)"].filter { !$0.isEmpty }.joined(separator: ", ")
    let deciding = (monitored.rule.map { [$0] } ?? []) + monitored.rules.filter { $0.id != monitored.rule?.id }
    return [row("monitored", style.doubtful(what))] + deciding.map { row("", describe($0)) }
  }

  private var headline: String {
    let effect = decision.effect == .permit ? style.good("PERMIT") : style.bad("DENY")
    let what = [request.action.rawValue, request.collection?.rawValue].compactMap(\.self).joined(separator: " ")
    let way = ([request.home] + request.hops.filter { $0 != request.home }).map(describe).joined(separator: " to ")
    let purpose = request.purpose.map { " for \($0)" } ?? ""
    return "\(effect)  \(what) \(request.action == .store ? "in" : "from") \(way)\(purpose) on \(request.now)"
  }

  private func row(_ title: String, _ value: String) -> String { "  \(title.padding(to: 9))  \(value)" }

  private func describe(_ place: Place) -> String {
    place.region.map { "\($0) (\(place.jurisdiction))" } ?? place.jurisdiction.rawValue
  }

  private func describe(_ rule: MatchedRule) -> String {
    let basis = rule.basis.map { "  \($0)" } ?? ""
    return "\(rule.kind.rawValue) \(rule.id)  \(style.faint(rule.location.fileAndLine))\(basis)"
  }

  private func paint(_ view: View) -> String {
    switch view {
    case .clear: style.good(view.name)
    case .last4, .hash, .pseudonym: style.doubtful(view.name)
    case .drop: style.bad(view.name)
    }
  }
}

extension String {
  /// With spaces up to `width` characters.
  fileprivate func padding(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}

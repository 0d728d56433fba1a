import AuditTrail

extension ReadLog {
  /// The verification for people: what holds, what does not, and what was not looked at.
  var text: String {
    var lines = ["\(Terminal.harmless(target.name)): \(report.exit.word)"]
    func add(_ label: String, _ text: String) {
      lines.append("  \(label)\(String(repeating: " ", count: 13 - label.count))\(Terminal.harmless(text))")
    }
    if let trusted = report.checkpoint {
      let checkpoint = trusted.checkpoint
      add("log", checkpoint.origin.description)
      add("checkpoint", "\(count(checkpoint.size, "leaf", "leaves")), root \(checkpoint.root)")
      add("signed by", "\(trusted.logKey.name)+\(trusted.logKey.id)")
      add("witnesses", witnesses(trusted))
    }
    if let span = report.timeSpan { add("events", "\(span.lowerBound) to \(span.upperBound) (UTC)") }
    if report.checkpoint != nil {
      add("verified", "\(count(report.leavesVerified, "leaf", "leaves")): bytes against tree, tree against signed root")
      if report.leavesVerifiedBefore > 0 {
        add(
          "",
          "\(count(report.leavesVerifiedBefore, "leaf", "leaves")) before them were verified by an earlier run, and are the same tree"
        )
      }
    }
    add("trust from", target.trust.file)
    if target.trust.isOperators {
      add("", "written by the operator's own set-up: enough for a demonstration. For an audit, get the")
      add("", "keys from the witnesses and the operator by another way, and give them with --trust.")
    }
    for (number, finding) in report.findings.enumerated() { add(number == 0 ? "findings" : "", finding.description) }
    if report.findingsLeftOut > 0 { add("", "and \(report.findingsLeftOut) more") }
    for (number, item) in report.observations.enumerated() { add(number == 0 ? "noted" : "", item) }
    for (number, item) in report.notChecked.enumerated() { add(number == 0 ? "not checked" : "", item) }
    return lines.joined(separator: "\n")
  }

  private func witnesses(_ trusted: TrustedCheckpoint) -> String {
    let names = trusted.cosignatures.map { "\($0.witness.name) at \($0.at)" }.joined(separator: ", ")
    let quorum =
      switch trusted.quorum {
      case .met: "quorum met"
      case .unmet: "QUORUM NOT MET"
      case .notRequired: "the trust file asks for none"
      }
    return names.isEmpty ? quorum : "\(names); \(quorum)"
  }

  private func count(_ number: Int, _ one: String, _ many: String) -> String { "\(number) \(number == 1 ? one : many)" }
}

extension [ReadLog] {
  /// The exit status of all together: the gravest.
  var exit: AuditExit { reduce(.verified) { $0.combined(with: $1.report.exit) } }
}

import Residency

extension PolicyReader {
  /// `agreements.yaml`: the transfer safeguards on file.
  mutating func readAgreements(_ node: ConfigurationNode) {
    guard let fields = node.fields("the file", required: ["agreements"], &diagnostics),
      let node = fields["agreements"]
    else { return }
    readAgreementList(node)
  }

  mutating func readAgreementList(_ node: ConfigurationNode) {
    for item in node.items("'agreements'", &diagnostics) ?? [] {
      guard let agreement = agreement(item) else { continue }
      if let first = agreements.first(where: { $0.id == agreement.id }) {
        report(
          item.location, "there is an agreement '\(agreement.id)' already", help: "the other is at \(first.location.fileAndLine)")
      } else {
        agreements.append(agreement)
      }
    }
  }

  private mutating func agreement(_ node: ConfigurationNode) -> Agreement? {
    let required = ["id", "exporter", "importer", "mechanism", "reference", "from", "review_by", "status"]
    guard let fields = node.fields("an agreement", required: required, optional: ["until", "fallback", "note"], &diagnostics)
    else {
      return nil
    }
    let id = name(fields["id"], "an agreement's id")
    let exporter = fields["exporter"].map { jurisdictions($0, "'exporter'") }
    let importer = fields["importer"].map { jurisdictions($0, "'importer'") }
    let mechanism = text(fields["mechanism"], "'mechanism'").flatMap {
      safeguard($0, at: fields["mechanism"]?.location ?? node.location)
    }
    let reference = text(fields["reference"], "'reference'")
    let status = choice(fields["status"], "status", Agreement.Status.self)
    let fallback = text(fields["fallback"], "'fallback'")
    let period = period(fields)
    let reviewBy = date(fields["review_by"], "'review_by'")
    guard let id, let exporter, let importer, let mechanism, let reference, let status, let reviewBy else { return nil }
    if reviewBy < today {
      warn(
        fields["review_by"]?.location ?? node.location, "agreement '\(id)' was to be reviewed by \(reviewBy)",
        help: "assess the transfer again, then move 'review_by'")
    }
    if let until = period.until, until <= today {
      warn(node.location, "agreement '\(id)' ended on \(until) and no longer counts", help: "renew it, or remove it")
    }
    return Agreement(
      id: id, location: node.location, exporter: exporter, importer: importer, mechanism: mechanism, reference: reference,
      status: status,
      fallback: fallback, period: period, reviewBy: reviewBy)
  }

  /// A safeguard that a court may take away needs another that is ready: sound, for the same crossing, and no shorter.
  mutating func checkAgreements() {
    for agreement in agreements {
      guard let name = agreement.fallback else {
        if agreement.status == .atRisk {
          report(
            agreement.location, "agreement '\(agreement.id)' is at risk and has no fallback",
            help: "add 'fallback: ID' of another agreement")
        }
        continue
      }
      guard let fallback = agreements.first(where: { $0.id == name }) else {
        report(
          agreement.location, "there is no agreement '\(name)' to fall back to",
          help: suggestion(for: name, in: agreements.map(\.id)))
        continue
      }
      if let problem = agreement.problem(withFallback: fallback, on: today) {
        report(agreement.location, "agreement '\(name)' cannot stand in for '\(agreement.id)': \(problem)", help: "name another")
      }
    }
  }
}

extension Agreement {
  func problem(withFallback other: Agreement, on today: CalendarDate) -> String? {
    if other.id == id { return "it is the same" }
    if other.status == .atRisk { return "it is at risk itself" }
    if !exporter.isCovered(by: other.exporter) { return "it does not cover every exporter" }
    if !importer.isCovered(by: other.importer) { return "it does not cover every importer" }
    if let start = other.period.from, start > max(period.from ?? .distantPast, today) {
      return "it does not begin before \(start)"
    }
    if let end = other.period.until, period.until.map({ end < $0 }) ?? true { return "it ends sooner" }
    return nil
  }
}

extension JurisdictionSet {
  /// Whether everything that is ever in `self` is somewhere in `other`.
  func isCovered(by other: JurisdictionSet) -> Bool {
    let theirs = other.groups.flatMap(\.members)
    return groups.flatMap(\.members).allSatisfy { member in
      theirs.contains { member.jurisdiction.isWithin($0.jurisdiction) == .yes }
    }
  }
}

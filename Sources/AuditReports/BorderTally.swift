import AuditTrail
import Cryptography
import Residency

/// Reads that crossed a border, or were kept from it, counted by what they were.
struct BorderTally: Sendable {
  private struct Key: Hashable {
    var from: AuditEvent.Place
    var to: AuditEvent.Place
    var safeguard: String
    var basis: String
    var agreement: String
    var purpose: String
    var collection: String
    var classes: String
  }

  private struct Count {
    var permitted = 0
    var first: UTCTime
    var last: UTCTime
    /// Where the first stands.
    var evidence: String
    /// Of a month each: nobody can tell whether two of different months are one person's.
    var pseudonyms: Set<SHA256Digest> = []
  }

  private struct Refusal: Hashable {
    var from: AuditEvent.Place
    var to: AuditEvent.Place
    var reason: String
    var rule: String
  }

  private var counts: [Key: Count] = [:]
  private var refusals: [Refusal: (count: Int, evidence: String)] = [:]
  private var months: [String: (permitted: Int, refused: Int)] = [:]
  private var destinations: [String: (permitted: Int, refused: Int)] = [:]
  private var views: [String: [String: Int]] = [:]
  /// Permitted out of the EEA to elsewhere, without a safeguard.
  private var unguarded: [String] = []
  private var unguardedLeftOut = 0
  private static let listedMax = 100

  mutating func add(_ leaf: LogLeaf, _ log: String) {
    let event = leaf.event
    guard event.isAtHome, event.activity.isDisclosure || event.effect == .denied else { return }
    let evidence = "\(log) \(leaf.index)"
    for hop in event.crossings {
      let isPermitted = event.effect == .allowed
      months[event.time.month, default: (0, 0)].permitted += isPermitted ? 1 : 0
      months[event.time.month, default: (0, 0)].refused += isPermitted ? 0 : 1
      destinations[hop.to.jurisdiction?.rawValue ?? "unknown", default: (0, 0)].permitted += isPermitted ? 1 : 0
      destinations[hop.to.jurisdiction?.rawValue ?? "unknown", default: (0, 0)].refused += isPermitted ? 0 : 1
      if isPermitted { count(event, hop, evidence) } else { refuse(event, hop, evidence) }
    }
  }

  private mutating func count(_ event: AuditEvent, _ hop: AuditEvent.Hop, _ evidence: String) {
    let key = Key(
      from: hop.from, to: hop.to, safeguard: event.safeguard?.rawValue ?? "", basis: event.legalBasis ?? "",
      agreement: event.agreement.map { "\($0.id): \($0.reference)" } ?? "", purpose: event.purpose?.rawValue ?? "",
      collection: event.collection?.rawValue ?? "", classes: event.classes.map(\.rawValue).joined(separator: " "))
    var count = counts[key] ?? Count(first: event.time, last: event.time, evidence: evidence)
    count.permitted += 1
    count.first = min(count.first, event.time)
    count.last = max(count.last, event.time)
    if let subject = event.subject { count.pseudonyms.insert(subject.code) }
    counts[key] = count
    for redaction in event.redactions { views[redaction.field, default: [:]][redaction.view.name, default: 0] += 1 }
    if EuropeanEconomicArea.contains(hop.from.jurisdiction), !EuropeanEconomicArea.contains(hop.to.jurisdiction),
      event.safeguard == nil,
      event.legalBasis == nil
    {
      if unguarded.count < Self.listedMax { unguarded.append(evidence) } else { unguardedLeftOut += 1 }
    }
  }

  private mutating func refuse(_ event: AuditEvent, _ hop: AuditEvent.Hop, _ evidence: String) {
    let refusal = Refusal(
      from: hop.from, to: hop.to, reason: event.reason ?? "", rule: event.rules.first.map { "\($0.id) (\($0.location))" } ?? "")
    let before = refusals[refusal] ?? (0, evidence)
    refusals[refusal] = (before.count + 1, before.evidence)
  }

  var permitted: Int { counts.values.reduce(0) { $0 + $1.permitted } }
  var refused: Int { refusals.values.reduce(0) { $0 + $1.count } }

  // MARK: Forms

  /// - Parameter isIncluded: which borders.
  func registerTable(_ isIncluded: (AuditEvent.Place, AuditEvent.Place) -> Bool = { _, _ in true }) -> ReportDocument.Table {
    let rows = counts.filter { isIncluded($0.key.from, $0.key.to) }.map { key, count in
      [
        key.from.text, key.to.text, key.to.jurisdiction?.country.rawValue ?? "unknown",
        key.safeguard.isEmpty ? "none recorded" : key.safeguard,
        key.agreement.isEmpty ? "none recorded" : key.agreement, key.basis, key.purpose, key.collection, key.classes,
        String(count.permitted), String(count.pseudonyms.count), count.first.day, count.last.day, count.evidence,
      ]
    }.sorted { $0.lexicographicallyPrecedes($1) }
    return ReportDocument.Table(
      "transfers",
      [
        "exporter", "importer", "country", "mechanism", "reference", "legal basis", "purpose", "data", "classes", "transfers",
        "pseudonyms", "first", "last", "first leaf",
      ], numeric: [9, 10], empty: "No data crossed a border.", rows: rows)
  }

  func refusalTable() -> ReportDocument.Table {
    let rows = refusals.map { refusal, found in
      [refusal.from.text, refusal.to.text, refusal.reason, refusal.rule, String(found.count), found.evidence]
    }.sorted { $0.lexicographicallyPrecedes($1) }
    return ReportDocument.Table(
      "refusals", ["home", "asked from", "reason", "rule", "refusals", "first leaf"], numeric: [4],
      empty: "Nothing was refused at a border.", rows: rows)
  }

  private var charts: [ReportDocument.Block] {
    let byMonth = months.sorted { $0.key < $1.key }.map { ReportDocument.Bar($0.key, [$0.value.permitted, $0.value.refused]) }
    let byDestination = destinations.sorted { $0.key < $1.key }
      .map { ReportDocument.Bar($0.key, [$0.value.permitted, $0.value.refused]) }
    return [
      .chart(ReportDocument.Chart("By month", series: ["permitted", "refused"], bars: byMonth)),
      .chart(ReportDocument.Chart("By destination", series: ["permitted", "refused"], bars: byDestination)),
    ]
  }

  private var viewTable: ReportDocument.Table {
    let rows = views.flatMap { field, views in views.map { [field, $0.key, String($0.value)] } }.sorted {
      $0.lexicographicallyPrecedes($1)
    }
    return ReportDocument.Table(
      "views", ["field", "view", "times"], numeric: [2], empty: "Nothing was masked.", rows: rows)
  }

  func register(_ document: inout ReportDocument) {
    document.sections = [
      .init("Summary", [.facts(summary)] + charts),
      .init(
        "Register", source: "GDPR Art. 30(1)(e), 30(2)(c), 46",
        [
          .table(registerTable()),
          .text(
            "Assessment references and review dates stand in the policies' agreements, whose revision each leaf names; no leaf repeats them."
          ),
        ]),
      .init("Refused at the border", [.table(refusalTable())]),
    ]
  }

  func chapterFive(_ document: inout ReportDocument) {
    let isThird = { (from: AuditEvent.Place, to: AuditEvent.Place) in
      EuropeanEconomicArea.contains(from.jurisdiction) && !EuropeanEconomicArea.contains(to.jurisdiction)
    }
    var register = registerTable(isThird)
    register.empty = "No data left the European Economic Area."
    var guards: [ReportDocument.Block] = unguarded.map { .alert("permitted without a safeguard or a legal basis: leaf \($0)") }
    if unguardedLeftOut > 0 { guards.append(.alert("and \(unguardedLeftOut) more")) }
    if guards.isEmpty {
      guards = [.text("Every permitted transfer to a third country names the safeguard or the legal basis that it rests on.")]
    }
    document.violations = unguarded.map { "transfer without a safeguard: leaf \($0)" }
    document.sections = [
      .init("Summary", source: "GDPR Art. 44", [.facts(summary)] + charts),
      .init(
        "Transfers to third countries and what they rest on", source: "GDPR Art. 45, 46, 47 and 49", [.table(register)] + guards),
      .init(
        "Onward transfers", source: "GDPR Art. 44, second half of the first sentence",
        [
          .table(onward),
          .text(
            "A principal in another jurisdiction than the region that it called is a border of its own, and was judged as one."),
        ]),
      .init("What recipients did not get", source: "GDPR Art. 5(1)(c), 25", [.table(viewTable)]),
      .init("Refused", source: "GDPR Art. 44, 48", [.table(refusalTable())]),
    ]
  }

  private var onward: ReportDocument.Table {
    var table = registerTable { from, to in
      !EuropeanEconomicArea.contains(from.jurisdiction) && from.jurisdiction != nil && to.region == nil
    }
    table.name = "onward"
    table.empty = "No data went on from one third country to another."
    return table
  }

  private var summary: [ReportDocument.Fact] {
    [
      .init("permitted across a border", String(permitted)), .init("refused at a border", String(refused)),
      .init("destinations", destinations.keys.sorted().joined(separator: ", ")),
      .init("mechanisms", Set(counts.keys.map(\.safeguard)).filter { !$0.isEmpty }.sorted().joined(separator: ", ")),
    ].map { $0.value.isEmpty ? .init($0.name, "none") : $0 }
  }

  /// Which evidence there is for each control.
  func controls(_ ledger: LedgerTally, _ processing: ProcessingTally) -> ReportDocument.Section {
    let rows = [
      [
        "7.5.1", "A.1.5", "Identify the basis for transfers between jurisdictions",
        "\(permitted) transfers; without a recorded basis: \(unguarded.count + unguardedLeftOut)",
      ],
      [
        "7.5.2", "A.1.5", "Countries and organisations to which data can be transferred",
        destinations.keys.sorted().joined(separator: ", "),
      ],
      ["7.5.3", "A.1.5", "Records of transfer", "\(permitted) permitted and \(refused) refused, each a leaf of the log"],
      [
        "7.5.4", "A.1.5", "Records of disclosure to third parties",
        "\(ledger.disclosed) disclosures to \(processing.recipientCount) recipients, \(ledger.refused) refusals",
      ],
    ]
    return .init(
      "Controls and their evidence", source: "ISO/IEC 27701:2019 Annex A; numbers of the 2025 edition beside them",
      [
        .table(
          .init(
            "controls", ["2019", "2025", "control", "evidence in the log"], empty: "",
            rows: rows.map { $0.map { $0.isEmpty ? "none" : $0 } })),
        .table(registerTable()), .table(refusalTable()),
      ])
  }
}

/// The member states of the EU, and Iceland, Liechtenstein and Norway, as of 2026-11 (the EEA Agreement).
enum EuropeanEconomicArea {
  private static let members: Set<String> = Set(
    "AT BE BG HR CY CZ DE DK EE ES FI FR GR HU IE IT LT LU LV MT NL PL PT RO SE SI SK IS LI NO".split(separator: " ").map(
      String.init))

  static func contains(_ jurisdiction: Jurisdiction?) -> Bool {
    jurisdiction.map { members.contains($0.country.rawValue) } ?? false
  }
}

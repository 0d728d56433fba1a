import AuditTrail
import Residency

/// Disclosures and refusals one by one, and what people's rights led to.
struct LedgerTally: Sendable {
  private(set) var disclosed = 0
  private(set) var refused = 0
  private var disclosures: [[String]] = []
  private var refusals: [[String]] = []
  private var rights: [[String]] = []
  private var rightCounts: [String: Int] = [:]

  mutating func count(_ event: AuditEvent) {
    guard event.isAtHome else { return }
    if event.effect == .denied { refused += 1 } else if event.activity.isDisclosure { disclosed += 1 }
  }

  mutating func add(_ leaf: LogLeaf, _ log: String) {
    count(leaf.event)
    let event = leaf.event
    guard event.isAtHome, event.effect == .denied || event.activity.isDisclosure else { return }
    var row = [
      event.time.description, log, String(leaf.index), event.activity.rawValue, event.subject?.description ?? "",
      event.principal ?? "",
      event.requester.text, event.home?.text ?? "", event.purpose?.rawValue ?? "", event.collection?.rawValue ?? "",
      event.classes.map(\.rawValue).joined(separator: " "),
      event.redactions.map { "\($0.field)=\($0.view.name)" }.joined(separator: " "),
    ]
    if event.effect == .denied {
      row += [event.reason ?? "", event.rules.first?.id ?? ""]
      refusals.append(row)
    } else {
      row += [event.legalBasis ?? "", event.safeguard?.rawValue ?? ""]
      disclosures.append(row)
    }
  }

  mutating func addRight(_ leaf: LogLeaf, _ log: String) {
    let event = leaf.event
    rightCounts[event.activity.rawValue, default: 0] += 1
    rights.append([
      event.time.description, log, String(leaf.index), event.activity.rawValue, event.effect.rawValue,
      event.subject?.description ?? "",
      event.principal ?? "", event.purpose?.rawValue ?? "", event.reason ?? "",
    ])
  }

  private static let columns = [
    "time (UTC)", "log", "leaf", "activity", "pseudonym", "recipient", "asked from", "home", "purpose", "data", "classes",
    "masked",
  ]

  func disclosures(_ document: inout ReportDocument) {
    document.sections = [
      .init(
        "Authorised disclosures",
        source: "Trust Services Criteria P6.2: a complete, accurate and timely record of authorised disclosures",
        [
          .facts([.init("disclosures", String(disclosed))]),
          .table(
            .init(
              "disclosures", Self.columns + ["legal basis", "safeguard"], numeric: [2], empty: "Nothing was disclosed.",
              rows: disclosures)),
        ]),
      .init(
        "Unauthorised disclosures", source: "Trust Services Criteria P6.3",
        [
          .text(
            "What was asked for and refused follows: nothing of it was released. A release without a record is what the checks of completeness "
              + "look for; they stand under what was verified."),
          .table(
            .init("refusals", Self.columns + ["reason", "rule"], numeric: [2], empty: "Nothing was refused.", rows: refusals)),
        ]),
    ]
  }

  func rights(_ document: inout ReportDocument) {
    document.sections = [
      .init(
        "Requests and what was done", source: "GDPR Art. 7(3), 12(3), 15 to 22",
        [
          .chart(
            .init("By kind", series: ["times"], bars: rightCounts.sorted { $0.key < $1.key }.map { .init($0.key, [$0.value]) })),
          .table(
            .init(
              "rights", ["time (UTC)", "log", "leaf", "what", "effect", "pseudonym", "by", "purpose", "reason"], numeric: [2],
              empty: "No right was exercised.", rows: rights)),
          .text(
            "The log has when each was carried out. When a person asked, and so whether a month was kept (Art. 12(3)), is known to whoever took "
              + "the request."),
        ])
    ]
  }
}

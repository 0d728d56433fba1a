import AuditTrail
import Residency

/// What is done with which data, for what, and who gets it.
struct ProcessingTally: Sendable {
  private struct Activity: Hashable {
    var purpose: String
    var collection: String
    var classes: String
    var basis: String
  }

  private var activities: [Activity: Int] = [:]
  private var recipients: [String: [String: Int]] = [:]
  private var homes: [String: Int] = [:]
  private var erasures = 0

  var recipientCount: Int { recipients.count }

  mutating func add(_ event: AuditEvent) {
    guard event.isAtHome, event.effect == .allowed else { return }
    if event.activity == .erase { erasures += 1 }
    if let home = event.home { homes[home.text, default: 0] += 1 }
    guard event.purpose != nil || event.collection != nil else { return }
    let activity = Activity(
      purpose: event.purpose?.rawValue ?? "none stated", collection: event.collection?.rawValue ?? "the subject's own entry",
      classes: event.classes.map(\.rawValue).joined(separator: " "), basis: event.legalBasis ?? "")
    activities[activity, default: 0] += 1
    if event.activity.isDisclosure {
      recipients[event.principal ?? "the system itself", default: [:]][event.requester.text, default: 0] += 1
    }
  }

  func sections(_ context: ReportContext, _ borders: BorderTally) -> [ReportDocument.Section] {
    [
      .init(
        "Controller", source: "GDPR Art. 30(1)(a)",
        [
          .facts([
            .init("controller", context.statement("controller")), .init("representative", context.statement("representative")),
            .init("data protection officer", context.statement("data_protection_officer")),
          ])
        ]),
      .init("Purposes", source: "GDPR Art. 30(1)(b)", [.table(purposes), .chart(purposeChart)]),
      .init(
        "Categories of data subjects and of data", source: "GDPR Art. 30(1)(c)",
        [.facts([.init("data subjects", context.statement("subjects"))]), .table(categories)]),
      .init("Recipients", source: "GDPR Art. 30(1)(d)", [.table(recipientTable)]),
      .init("Transfers to third countries", source: "GDPR Art. 30(1)(e)", [.table(borders.registerTable())]),
      .init(
        "Time limits for erasure", source: "GDPR Art. 30(1)(f)",
        [.facts([.init("stated", context.statement("erasure")), .init("erasures in the log", String(erasures))])]),
      .init(
        "Security measures", source: "GDPR Art. 30(1)(g)",
        [
          .facts([
            .init("stated", context.statement("security")),
            .init("homes of the data", homes.keys.sorted().joined(separator: ", ")),
            .init(
              "what this log shows",
              "every read is decided at the subject's home and recorded before it is answered; people appear under pseudonyms of a month"
            ),
          ])
        ]),
      .init(
        "As a processor", source: "GDPR Art. 30(2)",
        [
          .facts([.init("processors, and the controllers that they act for", context.statement("processors"))]),
          .table(processing),
        ]),
    ]
  }

  private func rows(_ cells: (Activity) -> [String]) -> [[String]] {
    var sums: [[String]: Int] = [:]
    for (activity, count) in activities { sums[cells(activity), default: 0] += count }
    return sums.map { $0.key + [String($0.value)] }.sorted { $0.lexicographicallyPrecedes($1) }
  }

  private var purposes: ReportDocument.Table {
    .init(
      "purposes", ["purpose", "legal basis", "times"], numeric: [2], empty: "No data was processed.",
      rows: rows { [$0.purpose, $0.basis] })
  }

  private var purposeChart: ReportDocument.Chart {
    .init("By purpose", series: ["times"], bars: rows { [$0.purpose] }.map { .init($0[0], [Int($0[1]) ?? 0]) })
  }

  private var categories: ReportDocument.Table {
    .init(
      "categories", ["data", "classes", "times"], numeric: [2], empty: "No data was processed.",
      rows: rows { [$0.collection, $0.classes] })
  }

  private var recipientTable: ReportDocument.Table {
    let rows = recipients.flatMap { principal, places in places.map { [principal, $0.key, String($0.value)] } }
      .sorted { $0.lexicographicallyPrecedes($1) }
    return .init("recipients", ["recipient", "asked from", "disclosures"], numeric: [2], empty: "Nobody got data.", rows: rows)
  }

  private var processing: ReportDocument.Table {
    .init(
      "processing", ["category of processing", "data", "times"], numeric: [2], empty: "No data was processed.",
      rows: rows { [$0.purpose, $0.collection] })
  }
}

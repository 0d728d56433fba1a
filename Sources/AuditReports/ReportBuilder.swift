package import AuditTrail
import Residency

/// Makes a report of leaves, one after the other, in memory that does not grow with how many there are, but where each is listed.
package struct ReportBuilder: Sendable {
  package let framework: ReportFramework
  package let period: ReportPeriod
  private let context: ReportContext
  private var borders = BorderTally()
  private var processing = ProcessingTally()
  private var ledger = LedgerTally()
  private var policies = PolicyTally()
  private var homes = HomeTally()
  private var breach = BreachTally()
  private var operations = OperationTally()

  package init(_ framework: ReportFramework, period: ReportPeriod, context: ReportContext) {
    self.framework = framework
    self.period = period
    self.context = context
  }

  /// Whether a leaf has to be given to ``add(_:of:)``.
  package func needs(_ leaf: LeafOutline) -> Bool {
    guard period.contains(leaf.time) else { return false }
    switch framework {
    case .policyHistory: return true
    case .rights: return leaf.activity.isRight
    case .ropa, .chapterFive, .transfers, .disclosures, .iso27701, .residency: return leaf.home != nil
    case .breach: return leaf.home != nil || leaf.activity == .operate
    }
  }

  /// - Parameter log: the log's name.
  package mutating func add(_ leaf: LogLeaf, of log: String) {
    switch framework {
    case .ropa:
      processing.add(leaf.event)
      borders.add(leaf, log)
    case .chapterFive, .transfers: borders.add(leaf, log)
    case .disclosures: ledger.add(leaf, log)
    case .iso27701:
      borders.add(leaf, log)
      ledger.count(leaf.event)
      processing.add(leaf.event)
    case .residency: homes.add(leaf, log)
    case .rights: ledger.addRight(leaf, log)
    case .policyHistory:
      policies.add(leaf, log)
      operations.add(leaf, log)
    case .breach:
      if leaf.event.home != nil { breach.add(leaf) }
      operations.add(leaf, log)
    }
  }

  /// - Parameter scans: what ``StoreScan`` found, of stores that were looked at.
  package func document(_ logs: [ReportedLog], scans: [ScanResult] = []) -> ReportDocument {
    var document = ReportDocument(
      framework: framework, title: framework.title, period: period, logs: logs, sections: [], violations: [])
    switch framework {
    case .ropa: document.sections = processing.sections(context, borders)
    case .chapterFive: borders.chapterFive(&document)
    case .transfers: borders.register(&document)
    case .disclosures: ledger.disclosures(&document)
    case .iso27701: document.sections = [borders.controls(ledger, processing)]
    case .residency: homes.attest(&document, scans)
    case .rights: ledger.rights(&document)
    case .policyHistory: document.sections = policies.sections + [operations.section]
    case .breach: document.sections = breach.sections(context) + [operations.section]
    }
    for scan in scans where framework != .residency { document.violations += scan.violations }
    return document
  }
}

extension AuditActivity {
  /// What a person asked for, or what was done because of it.
  var isRight: Bool {
    switch self {
    case .setConsent, .withdrawConsent, .erase, .restrict, .export, .move, .resolveContest: true
    default: false
    }
  }
}

extension AuditEvent {
  /// Whether this is the record at the subject's home: the other side of a transfer has one too, which is not to be counted again.
  var isAtHome: Bool { activity != .importRecord && counterpart == nil }

  /// Whether somebody in another jurisdiction asked.
  var crossings: [Hop] { hops.filter { $0.from.jurisdiction != $0.to.jurisdiction } }
}

extension AuditEvent.Place {
  /// `eu-west (IE)`
  var text: String {
    switch (region?.rawValue, jurisdiction?.rawValue) {
    case (let region?, let jurisdiction?): "\(region) (\(jurisdiction))"
    case (let region?, nil): region
    case (nil, let jurisdiction?): jurisdiction
    case (nil, nil): "unknown"
    }
  }
}

package import AuditTrail
import Cryptography
package import Residency

/// A report before it has a form: what it says, in sections. The same logs, checkpoints and period give the same report, byte for byte: it
/// holds no time of its making.
package struct ReportDocument: Hashable, Sendable {
  package struct Section: Hashable, Sendable {
    package var title: String
    /// The law's article or the standard's control that asks for it.
    package var source: String?
    package var blocks: [Block]

    package init(_ title: String, source: String? = nil, _ blocks: [Block]) {
      self.title = title
      self.source = source
      self.blocks = blocks
    }
  }

  package enum Block: Hashable, Sendable {
    case text(String)
    case facts([Fact])
    case table(Table)
    case chart(Chart)
    /// What somebody should look at.
    case alert(String)
  }

  package struct Fact: Hashable, Sendable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  package struct Table: Hashable, Sendable {
    package var name: String
    package var columns: [String]
    package var rows: [[String]]
    /// Columns of numbers.
    package var numeric: Set<Int>
    /// Said where there are no rows.
    package var empty: String

    package init(_ name: String, _ columns: [String], numeric: Set<Int> = [], empty: String, rows: [[String]]) {
      self.name = name
      self.columns = columns
      self.numeric = numeric
      self.empty = empty
      self.rows = rows
    }
  }

  /// Bars, each of one or more parts.
  package struct Chart: Hashable, Sendable {
    package var title: String
    package var series: [String]
    package var bars: [Bar]

    package init(_ title: String, series: [String], bars: [Bar]) {
      self.title = title
      self.series = series
      self.bars = bars
    }
  }

  package struct Bar: Hashable, Sendable {
    package var label: String
    /// One for each series.
    package var values: [Int]

    package init(_ label: String, _ values: [Int]) {
      self.label = label
      self.values = values
    }
  }

  package var framework: ReportFramework
  package var title: String
  package var period: ReportPeriod
  /// What it rests on: a log each.
  package var logs: [ReportedLog]
  package var sections: [Section]
  /// What the framework forbids, and the log has.
  package var violations: [String]

  /// The graver of what the logs came to and what the report found.
  package var exit: AuditExit {
    logs.reduce(violations.isEmpty ? .verified : .violations) { $0.combined(with: $1.report.exit) }
  }

  /// What was verified, and what was not: the last section of every report.
  package var basis: Section {
    let rows = logs.map { log -> [String] in
      let trusted = log.report.checkpoint
      return [
        log.name, trusted?.checkpoint.origin.description ?? "none", trusted.map { String($0.checkpoint.size) } ?? "0",
        trusted?.checkpoint.root.description ?? "none", log.report.exit.word, String(log.report.leavesVerified),
        trusted?.cosignatures.map { $0.witness.name.description }.joined(separator: ", ") ?? "",
      ]
    }
    let findings = logs.flatMap { log in log.report.findings.map { "\(log.name): \($0)" } }
    let observations = logs.flatMap { log in log.report.observations.map { "\(log.name): \($0)" } }
    let notChecked = logs.flatMap(\.report.notChecked).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    var blocks: [Block] = [
      .text(
        "Recomputed from the logs' leaves, under the signed checkpoints below. Whoever has the same logs, trust files and period gets "
          + "the same report, byte for byte."),
      .table(
        Table(
          "checkpoints", ["log", "origin", "leaves", "root", "verdict", "verified", "cosigned by"], numeric: [2, 5],
          empty: "No log was read.", rows: rows)),
    ]
    blocks += findings.map { .alert($0) }
    if !observations.isEmpty {
      blocks.append(.table(Table("noted", ["noted"], empty: "", rows: observations.map { [$0] })))
    }
    blocks.append(
      .table(
        Table(
          "not-checked", ["not checked"], empty: "Everything that this program can check was checked.",
          rows: notChecked.map { [$0] })))
    if logs.contains(where: \.trustIsOperators) {
      blocks.append(.alert("The keys that were trusted are from the operator's own set-up, which no audit may rely on."))
    }
    return Section("What was verified, and what was not", blocks)
  }
}

/// A log that a report rests on.
package struct ReportedLog: Hashable, Sendable {
  package var name: String
  package var trustIsOperators: Bool
  package var report: VerificationReport

  package init(name: String, trustIsOperators: Bool, report: VerificationReport) {
    self.name = name
    self.trustIsOperators = trustIsOperators
    self.report = report
  }

  package static func == (left: Self, right: Self) -> Bool {
    left.name == right.name && left.trustIsOperators == right.trustIsOperators && left.report.json == right.report.json
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

/// What a report is for.
package enum ReportFramework: String, Hashable, Sendable, CaseIterable {
  case ropa = "gdpr-ropa"
  case chapterFive = "gdpr-ch5"
  case transfers
  case disclosures = "soc2-p6"
  case iso27701
  case residency
  case rights
  case policyHistory = "policy-history"
  case breach

  package var title: String {
    switch self {
    case .ropa: "Records of processing activities"
    case .chapterFive: "Transfers to third countries"
    case .transfers: "Transfer register"
    case .disclosures: "Disclosure ledger"
    case .iso27701: "Evidence for privacy information management"
    case .residency: "Residency attestation"
    case .rights: "Data subjects' rights"
    case .policyHistory: "Policy history"
    case .breach: "Scope of a breach"
    }
  }

  package var source: String {
    switch self {
    case .ropa: "Regulation (EU) 2016/679, Article 30"
    case .chapterFive: "Regulation (EU) 2016/679, Chapter V (Articles 44 to 50)"
    case .transfers: "Regulation (EU) 2016/679, Articles 30(1)(e), 30(2)(c) and 46; and the like of other laws"
    case .disclosures: "Trust Services Criteria, Privacy, P6.2 and P6.3"
    case .iso27701: "ISO/IEC 27701:2019, 7.5.1 to 7.5.4; ISO/IEC 27701:2025, A.1.5"
    case .residency: "The catalog's regions and the law of each home"
    case .rights: "Regulation (EU) 2016/679, Articles 12(3) and 15 to 22"
    case .policyHistory: "Regulation (EU) 2016/679, Articles 5(2) and 24"
    case .breach: "Regulation (EU) 2016/679, Articles 33(3) and 34"
    }
  }
}

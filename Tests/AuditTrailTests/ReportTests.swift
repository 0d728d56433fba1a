import AuditReports
import AuditTrail
import Cryptography
import Foundation
import Residency
import Testing

@Suite struct ReportTests {
  private static let home = AuditEvent.Place(region: RegionID("eu-west"), jurisdiction: Jurisdiction("IE"))
  private static let abroad = AuditEvent.Place(region: RegionID("us-east"), jurisdiction: Jurisdiction("US"))

  /// A log in which every second read crossed from Ireland to the United States, and rests on clauses.
  static func log(_ size: Int = 60, edit: @escaping (Int, inout AuditEvent) -> Void = { _, _ in }) throws -> SampleLog {
    try SampleLog(size: size) { index, event in
      if index % 2 == 1 {
        event.hops = [AuditEvent.Hop(from: home, to: abroad)]
        event.safeguard = Safeguard("scc")
        event.agreement = AuditEvent.Agreement(id: "us-scc", reference: "clauses 2021/914")
        event.classes = [DataClass("contact")]
        event.redactions = [AuditEvent.Redaction(field: "email", view: .hash)]
      }
      event.policyRevision = "sha256:one"
      edit(index, &event)
    }
  }

  private static func document(
    _ framework: ReportFramework, of log: SampleLog, period: ReportPeriod = .everything, context: ReportContext = .nothing
  ) throws -> ReportDocument {
    var builder = ReportBuilder(framework, period: period, context: context)
    let (report, events) = try log.verify()
    for leaf in events where builder.needs(LeafOutline(leaf.event, index: leaf.index)) { builder.add(leaf, of: "eu-west") }
    return builder.document([ReportedLog(name: "eu-west", trustIsOperators: false, report: report)])
  }

  private static func table(_ name: String, in document: ReportDocument) throws -> ReportDocument.Table {
    try #require(
      document.sections.flatMap(\.blocks).lazy.compactMap { block -> ReportDocument.Table? in
        if case .table(let table) = block, table.name == name { table } else { nil }
      }.first)
  }

  @Test func `periods are spans in UTC`() throws {
    for (text, since, until) in [
      ("2026", "2026-01-01", "2027-01-01"), ("2026-Q4", "2026-10-01", "2027-01-01"), ("2026-12", "2026-12-01", "2027-01-01"),
      ("2026-02-28", "2026-02-28", "2026-03-01"), ("2026-10..2026-11", "2026-10-01", "2026-12-01"),
      ("2026-11-05..2026", "2026-11-05", "2027-01-01"),
    ] {
      let period = try #require(ReportPeriod(text), "\(text)")
      #expect(period.since == UTCTime(since) && period.until == UTCTime(until), "\(text)")
    }
    for text in [
      "", "26", "2026-13", "2026-Q5", "2026-Q", "2026-1", "2026-02-30", "2026-11..2026-10", "a..b", "2026..2026..2026",
    ] {
      #expect(ReportPeriod(text) == nil, "\(text)")
    }
  }

  @Test(arguments: ReportFramework.allCases)
  func `the same log gives the same report in every form, which says what it rests on`(framework: ReportFramework) throws {
    let log = try Self.log()
    let (one, other) = (try Self.document(framework, of: log), try Self.document(framework, of: log))
    #expect(one.markdown == other.markdown && one.html == other.html && one.csv == other.csv && one.json == other.json)
    let root = try log.checkpoint.root.description
    for text in [one.markdown, one.html, one.csv, one.json.canonicalText] {
      for part in [root, "60", "eu-west", "VERIFIED"] { #expect(text.contains(part), "\(part)") }
    }
    #expect(one.html.contains("What was verified, and what was not") && one.html.contains("sealed details"))
    #expect(try JSONValue(parsing: one.json.canonicalBytes) == one.json)
    #expect(one.exit == .verified)
  }

  @Test func `the register of transfers names exporter, importer, country, mechanism and its reference`() throws {
    let table = try Self.table("transfers", in: try Self.document(.transfers, of: try Self.log()))
    let rows = table.rows.map { Dictionary(uniqueKeysWithValues: zip(table.columns, $0)) }
    // Of 60 leaves 30 crossed; each fifth leaf is a denial, and each third a write.
    let permitted = (0..<60).count { $0 % 2 == 1 && $0 % 5 != 4 && $0 % 3 != 0 }
    let transfers = rows.map { Int($0["transfers"] ?? "") ?? 0 }
    #expect(transfers.reduce(0, +) == permitted)
    #expect(
      rows.first?["exporter"] == "eu-west (IE)" && rows.first?["importer"] == "us-east (US)" && rows.first?["country"] == "US")
    #expect(rows.first?["mechanism"] == "scc" && rows.first?["reference"] == "us-scc: clauses 2021/914")
    let refused = try Self.table("refusals", in: try Self.document(.transfers, of: try Self.log()))
    let index = try #require(refused.columns.firstIndex(of: "refusals"))
    let refusals = refused.rows.map { Int($0[index]) ?? 0 }
    let expected = (0..<60).count { $0 % 2 == 1 && $0 % 5 == 4 }
    #expect(refusals.reduce(0, +) == expected)
  }

  @Test func `a transfer to a third country that rests on nothing is a violation`() throws {
    let log = try Self.log { index, event in if index == 7 { event.safeguard = nil } }
    let document = try Self.document(.chapterFive, of: log)
    #expect(document.exit == .violations && document.violations == ["transfer without a safeguard: leaf eu-west 7"])
    #expect(document.html.contains("To be looked at"))
    #expect(try Self.document(.chapterFive, of: try Self.log()).violations.isEmpty)
  }

  @Test func `a report counts what is in its period, and nothing else`() throws {
    let log = try Self.log { index, event in
      if index < 20 { event.time = UTCTime("2026-10-31T23:59:59.999Z") ?? event.time }
    }
    func count(_ period: String) throws -> Int {
      let document = try Self.document(.disclosures, of: log, period: try #require(ReportPeriod(period)))
      return try Self.table("disclosures", in: document).rows.count + Self.table("refusals", in: document).rows.count
    }
    #expect(try count("2026-10") + count("2026-11") == count("2026"))
    #expect(try count("2026-10") > 0 && count("2026-11") > 0 && count("2025") == 0)
  }

  @Test func `records of processing have every letter of article 30, and do not make up what no log knows`() throws {
    let empty = try Self.document(.ropa, of: try Self.log())
    let sources = empty.sections.compactMap(\.source)
    for letter in ["(a)", "(b)", "(c)", "(d)", "(e)", "(f)", "(g)"] {
      #expect(sources.contains("GDPR Art. 30(1)\(letter)"), "\(letter)")
    }
    #expect(sources.contains("GDPR Art. 30(2)"))
    #expect(empty.markdown.contains("not stated"))
    let context = try ReportContext(
      parsing: "controller: Example Ltd., Dublin\nerasure: [orders 10 years]\n", file: "context.yaml")
    #expect(try Self.document(.ropa, of: try Self.log(), context: context).markdown.contains("Example Ltd., Dublin"))
    #expect(throws: ConfigurationError.self) { try ReportContext(parsing: "controler: x", file: "context.yaml") }
    #expect(throws: ConfigurationError.self) { try ReportContext(parsing: "controller: {a: b}", file: "context.yaml") }
  }

  @Test func `what a log says is text in every form, and never markup, script or formula`() throws {
    let name = "=<script>alert(1)</script>|**x**"
    let log = try Self.log { _, event in event.principal = name }
    let document = try Self.document(.disclosures, of: log)
    #expect(!document.html.contains("<script") && document.html.contains("&lt;script&gt;"))
    #expect(document.markdown.contains("\\<script\\>") && !document.markdown.contains("**x**"))
    #expect(document.csv.contains("\"'=<script>") && !document.csv.contains("\"=<script>"))
  }

  @Test func `what operators did is listed by who and what, refusals beside it`() throws {
    let log = try Self.log(10) { index, event in
      guard index < 3 else { return }
      event.activity = .operate
      event.operation = index < 2 ? "compare_directory us-east" : "count_subjects eu-west"
      event.effect = index == 1 ? .denied : .allowed
      event.principal = "operator:eve"
      event.home = nil
    }
    for framework in [ReportFramework.policyHistory, .breach] {
      let rows = try Self.table("operations", in: try Self.document(framework, of: log)).rows
      #expect(
        rows.map { Array($0.prefix(6)) } == [
          ["eu-west", "operator:eve", "compare_directory us-east", "1", "1", "0"],
          ["eu-west", "operator:eve", "count_subjects eu-west", "1", "0", "2"],
        ])
    }
  }

  @Test func `the scope of a breach has the people, the classes and the recipients of that time`() throws {
    let log = try Self.log()
    let since = try #require(UTCTime("2026-11-22"))
    let document = try Self.document(.breach, of: log, period: ReportPeriod(since: since, until: nil))
    let subjects = try Self.table("subjects", in: document)
    let allowed = (0..<60).filter { $0 % 5 != 4 }
    let people = Set(allowed.map { $0 % 7 })
    #expect(subjects.rows.count == people.count)
    #expect(try Self.table("classes", in: document).rows.first?.first == "contact")
    #expect(try Self.table("recipients", in: document).rows.count == 2)
  }

  @Test func `the history of policies has each revision, from when to when, and how it decided`() throws {
    let log = try Self.log { index, event in
      if index >= 30 { event.policyRevision = "sha256:two" }
      if index == 30 { event.activity = .loadPolicy }
    }
    let table = try Self.table("revisions", in: try Self.document(.policyHistory, of: log))
    #expect(table.rows.map { $0[3] } == ["sha256:one", "sha256:two"])
    #expect(table.rows[1][4] == "load_policy at leaf 30")
    let decided = table.rows.flatMap { [Int($0[5]) ?? 0, Int($0[6]) ?? 0] }
    #expect(decided.reduce(0, +) == 59)
  }
}

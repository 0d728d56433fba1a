import AuditTrail
import Cryptography
package import Residency

extension ReportDocument {
  private var head: [Fact] {
    [
      Fact("Source", framework.source), Fact("Period", period.description),
      Fact(
        "Logs",
        logs.map { log in
          log.report.checkpoint.map { "\(log.name): \($0.checkpoint.size) leaves, root \($0.checkpoint.root)" }
            ?? "\(log.name): no checkpoint"
        }.joined(separator: "; ")),
      Fact("Verdict", logs.map { "\($0.name) \($0.report.exit.word)" }.joined(separator: ", ")),
      Fact("Violations", violations.isEmpty ? "none" : String(violations.count)),
    ]
  }

  package var facts: [Fact] { head }

  // MARK: Markdown

  package var markdown: String {
    var lines = ["# \(Self.plain(title))", ""]
    lines += head.map { "- **\($0.name):** \(Self.plain($0.value))" }
    for section in sections + [basis] {
      lines += ["", "## \(Self.plain(section.title))"]
      if let source = section.source { lines += ["", "*\(Self.plain(source))*"] }
      for block in section.blocks { lines += [""] + Self.markdown(block) }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func markdown(_ block: Block) -> [String] {
    switch block {
    case .text(let text): return [plain(text)]
    case .facts(let facts): return facts.map { "- \(plain($0.name)): \(plain($0.value))" }
    case .alert(let text): return ["> **To be looked at:** \(plain(text))"]
    case .table(let table):
      guard !table.rows.isEmpty else { return [plain(table.empty)] }
      let rule = table.columns.indices.map { table.numeric.contains($0) ? "---:" : "---" }
      return ([table.columns, rule] + table.rows.map { $0.map(plain) }).map { "| \($0.joined(separator: " | ")) |" }
    case .chart(let chart):
      return ["\(plain(chart.title)):", ""]
        + chart.bars.map { bar in
          "- \(plain(bar.label)): " + zip(chart.series, bar.values).map { "\($1) \($0)" }.joined(separator: ", ")
        }
    }
  }

  /// Text of a log in Markdown: nothing in it is markup.
  private static func plain(_ text: String) -> String {
    var plain = ""
    for character in text.unicodeScalars {
      switch character {
      case "\\", "`", "*", "_", "[", "]", "<", ">", "|", "#", "!", "&", "~": plain += "\\\(character)"
      case _ where character.properties.generalCategory == .control: plain += " "
      default: plain.unicodeScalars.append(character)
      }
    }
    return plain
  }

  // MARK: CSV

  /// All tables, one after the other: RFC 4180, each row led by its table's name. A cell that a spreadsheet would take for a formula gets an
  /// apostrophe before it.
  package var csv: String {
    var rows = [["report", framework.rawValue]] + head.map { ["head", $0.name, $0.value] }
    for section in sections + [basis] {
      for block in section.blocks {
        switch block {
        case .table(let table):
          rows.append(["\(table.name)#"] + table.columns)
          rows += table.rows.map { [table.name] + $0 }
        case .facts(let facts): rows += facts.map { ["fact", $0.name, $0.value] }
        case .alert(let text): rows.append(["alert", text])
        case .text, .chart: break
        }
      }
    }
    return rows.map { row in row.map(Self.cell).joined(separator: ",") + "\r\n" }.joined()
  }

  private static func cell(_ text: String) -> String {
    let isFormula = text.first.map { "=+-@\t\r".contains($0) } ?? false
    let quoted = text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
    return "\"\(isFormula ? "'" : "")\(quoted)\""
  }

  // MARK: JSON

  package var json: JSONValue {
    [
      "report": .string(framework.rawValue), "title": .string(title), "source": .string(framework.source),
      "period": .object(
        [
          "text": .string(period.description), "since": period.since.map { .string($0.description) } ?? .null,
          "until": period.until.map { .string($0.description) } ?? .null,
        ]),
      "exit_status": .integer(exit.rawValue), "violations": .array(violations.map { .string($0) }),
      "logs": .array(
        logs.map {
          ["log": .string($0.name), "trust_is_operators": .bool($0.trustIsOperators), "verification": $0.report.json]
        }),
      "sections": .array((sections + [basis]).map(Self.json)),
    ]
  }

  private static func json(_ section: Section) -> JSONValue {
    [
      "title": .string(section.title), "source": section.source.map { .string($0) } ?? .null,
      "blocks": .array(section.blocks.map(json)),
    ]
  }

  private static func json(_ block: Block) -> JSONValue {
    switch block {
    case .text(let text): ["text": .string(text)]
    case .alert(let text): ["alert": .string(text)]
    case .facts(let facts): ["facts": .array(facts.map { ["name": .string($0.name), "value": .string($0.value)] })]
    case .table(let table):
      [
        "table": .string(table.name), "columns": .array(table.columns.map { .string($0) }),
        "rows": .array(table.rows.map { .array($0.map { .string($0) }) }),
      ]
    case .chart(let chart):
      [
        "chart": .string(chart.title), "series": .array(chart.series.map { .string($0) }),
        "bars": .array(
          chart.bars.map { ["label": .string($0.label), "values": .array($0.values.map { .integer($0) })] }),
      ]
    }
  }
}

/// Columns of text, each as wide as its widest cell.
struct TextTable {
  private let headings: [String]
  private var rows: [[String]] = []

  init(_ headings: [String]) { self.headings = headings }

  mutating func add(_ cells: [String]) { rows.append(cells.map(Terminal.harmless)) }

  var text: String {
    let lines = [headings] + rows.map { $0.map { $0.isEmpty ? "-" : $0 } }
    let widths = headings.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
    return lines.map { line in
      let cells = zip(line, widths).map { cell, width in cell + String(repeating: " ", count: width - cell.count) }
      return String(cells.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
    }.joined(separator: "\n")
  }

  /// RFC 4180. A cell that a spreadsheet would take for a formula gets an apostrophe before it.
  var csv: String {
    ([headings] + rows).map { line in
      line.map { cell in
        let isFormula = cell.first.map { "=+-@".contains($0) } ?? false
        return "\"" + (isFormula ? "'" : "")
          + cell.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
          + "\""
      }.joined(separator: ",") + "\r\n"
    }.joined()
  }
}

enum OutputFormat: String, CaseIterable {
  case table, json, csv
}

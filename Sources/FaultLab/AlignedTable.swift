/// Rows of text under each other, for people to read in a terminal.
enum AlignedTable {
  /// - Parameters:
  ///   - rows: the first is the head; each has as many cells.
  ///   - names: so many columns hold words, and are aligned to the left; the others hold numbers.
  /// - Returns: a line a row.
  static func lines(_ rows: [[String]], names: Int = 1) -> [String] {
    let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      row.enumerated().map { column, text in
        let padding = String(repeating: " ", count: widths[column] - text.count)
        return column < names ? text + padding : padding + text
      }.joined(separator: "  ")
    }
  }
}

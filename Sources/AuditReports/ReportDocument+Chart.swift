extension ReportDocument {
  /// Bars from left to right, one below the other: labels of any length have room, and twelve months fit on a page.
  static func svg(_ chart: Chart) -> String {
    let labelWidth = min(260, 24 + 7 * (chart.bars.map(\.label.count).max() ?? 0))
    let room = 640 - labelWidth - 90
    let most = max(1, chart.bars.map { $0.values.reduce(0, +) }.max() ?? 1)
    let legendHeight = chart.series.count > 1 ? 26 : 4
    let height = legendHeight + chart.bars.count * 24 + 8
    var parts: [String] = []
    if chart.series.count > 1 {
      var x = labelWidth
      for (index, name) in chart.series.enumerated() {
        parts.append("<rect class=\"\(color(index))\" x=\"\(x)\" y=\"4\" width=\"11\" height=\"11\"/>")
        parts.append("<text x=\"\(x + 16)\" y=\"14\">\(escaped(name))</text>")
        x += 40 + 7 * name.count
      }
    }
    parts.append("<line class=\"axis\" x1=\"\(labelWidth)\" y1=\"\(legendHeight)\" x2=\"\(labelWidth)\" y2=\"\(height - 6)\"/>")
    for (row, bar) in chart.bars.enumerated() {
      let y = legendHeight + row * 24 + 3
      parts.append("<text x=\"\(labelWidth - 8)\" y=\"\(y + 13)\" text-anchor=\"end\">\(escaped(bar.label))</text>")
      var x = labelWidth
      for (index, value) in bar.values.enumerated() where value > 0 {
        // What is there is seen, however small.
        let width = max(2, room * value / most)
        parts.append("<rect class=\"\(color(index))\" x=\"\(x)\" y=\"\(y)\" width=\"\(width)\" height=\"17\"/>")
        x += width
      }
      let text = bar.values.map(String.init).joined(separator: " + ")
      parts.append("<text class=\"soft\" x=\"\(x + 6)\" y=\"\(y + 13)\">\(text)</text>")
    }
    let spoken = chart.bars.map { bar in
      "\(bar.label): " + zip(chart.series, bar.values).map { "\($1) \($0)" }.joined(separator: ", ")
    }.joined(separator: "; ")
    return """
      <figure><figcaption>\(escaped(chart.title))</figcaption>
      <svg viewBox="0 0 640 \(height)" width="640" height="\(height)" role="img" aria-label="\(escaped(spoken))">\(parts.joined())</svg></figure>
      """
  }

  private static func color(_ index: Int) -> String { index == 0 ? "a" : "b" }
}

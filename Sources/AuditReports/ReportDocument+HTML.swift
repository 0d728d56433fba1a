import AuditTrail

extension ReportDocument {
  /// One file with everything in it: no script, nothing loaded from anywhere. It prints on paper in portrait, wide tables in smaller type.
  package var html: String {
    let facts = self.facts.map { "<dt>\(Self.escaped($0.name))</dt><dd>\(Self.escaped($0.value))</dd>" }.joined()
    let state = exit == .verified ? "good" : "bad"
    let contents = (sections + [basis]).enumerated()
      .map { "<li><a href=\"#s\($0.offset + 1)\">\(Self.escaped($0.element.title))</a></li>" }.joined()
    let body = (sections + [basis]).enumerated().map { Self.html($0.element, number: $0.offset + 1) }.joined(separator: "\n")
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
      <title>\(Self.escaped(title))</title>
      <style>\(Self.style)</style>
      </head>
      <body>
      <header>
      <p class="kind">Domicile · \(Self.escaped(framework.rawValue))</p>
      <h1>\(Self.escaped(title))</h1>
      <p class="verdict \(state)">\(Self.escaped(exit.word))</p>
      <dl>\(facts)</dl>
      <nav><ol>\(contents)</ol></nav>
      </header>
      <main>
      \(body)
      </main>
      </body>
      </html>

      """
  }

  private static func html(_ section: Section, number: Int) -> String {
    let source = section.source.map { "<p class=\"source\">\(escaped($0))</p>" } ?? ""
    return """
      <section id="s\(number)">
      <h2><span class="number">\(number)</span> \(escaped(section.title))</h2>
      \(source)
      \(section.blocks.map(html).joined(separator: "\n"))
      </section>
      """
  }

  private static func html(_ block: Block) -> String {
    switch block {
    case .text(let text): "<p>\(escaped(text))</p>"
    case .alert(let text): "<p class=\"alert\" role=\"alert\"><strong>To be looked at:</strong> \(escaped(text))</p>"
    case .facts(let facts):
      "<dl>" + facts.map { "<dt>\(escaped($0.name))</dt><dd>\(escaped($0.value))</dd>" }.joined() + "</dl>"
    case .table(let table): html(table)
    case .chart(let chart): chart.bars.isEmpty ? "" : svg(chart)
    }
  }

  private static func html(_ table: Table) -> String {
    guard !table.rows.isEmpty else { return table.empty.isEmpty ? "" : "<p class=\"empty\">\(escaped(table.empty))</p>" }
    func cells(_ cells: [String], _ tag: String) -> String {
      cells.enumerated().map { index, cell in
        let isNumber = table.numeric.contains(index)
        let shown = isNumber && tag == "td" ? grouped(cell) : escaped(cell)
        let kind = isNumber ? " class=\"n\"" : isLong(cell) ? " class=\"l\"" : isDay(cell) ? " class=\"d\"" : ""
        return "<\(tag)\(kind)\(tag == "th" ? " scope=\"col\"" : "")>\(shown)</\(tag)>"
      }.joined()
    }
    let rows = table.rows.map { "<tr>\(cells($0, "td"))</tr>" }.joined(separator: "\n")
    let width = table.columns.count > 8 ? " wide" : ""
    return """
      <div class="scroll"><table class="data\(width)">
      <thead><tr>\(cells(table.columns, "th"))</tr></thead>
      <tbody>
      \(rows)
      </tbody>
      </table></div>
      """
  }

  /// A hash or the like, which may be broken anywhere.
  private static func isLong(_ cell: String) -> Bool { cell.utf8.count > 40 && !cell.utf8.contains(0x20) }

  /// `2026-11-22`
  private static func isDay(_ cell: String) -> Bool {
    cell.utf8.count == 10 && cell.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2d }
  }

  /// `12 345`, with a narrow space that does not break.
  private static func grouped(_ text: String) -> String {
    guard text.utf8.count > 4, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return escaped(text) }
    var groups: [Substring] = []
    var rest = text[...]
    while !rest.isEmpty {
      groups.append(rest.suffix(3))
      rest = rest.dropLast(3)
    }
    return groups.reversed().joined(separator: "\u{202f}")
  }

  static func escaped(_ text: String) -> String {
    var escaped = ""
    for character in text.unicodeScalars {
      switch character {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "'": escaped += "&#39;"
      case _ where [.control, .format].contains(character.properties.generalCategory): escaped += "\u{fffd}"
      default: escaped.unicodeScalars.append(character)
      }
    }
    return escaped
  }

  private static let style = """
    :root{--ink:#1d2330;--soft:#5a6475;--line:#d8dde6;--paper:#fff;--fill:#f5f7fa;--a:#2f6db5;--b:#c8553d;--good:#1f7a4d;--bad:#b3261e}
    *{box-sizing:border-box}
    body{margin:0 auto;max-width:80rem;padding:2.5rem 2rem 4rem;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif}
    h1{margin:.1rem 0 .6rem;font-size:1.9rem;line-height:1.2}
    h2{margin:2.6rem 0 .3rem;padding-top:.9rem;border-top:1px solid var(--line);font-size:1.25rem}
    .number{color:var(--soft);font-weight:400;margin-right:.35rem}
    .kind,.source{color:var(--soft);margin:0 0 .4rem}
    .source{font-style:italic}
    .verdict{display:inline-block;margin:0 0 1rem;padding:.15rem .6rem;border:1px solid;border-radius:3px;font-weight:600;letter-spacing:.03em}
    .good{color:var(--good)}.bad{color:var(--bad)}
    dl{display:grid;grid-template-columns:minmax(9rem,max-content) 1fr;gap:.25rem 1.2rem;margin:.6rem 0 1rem}
    dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
    nav ol{margin:.6rem 0;padding-left:1.3rem;columns:2}
    a{color:var(--a)}
    .scroll{overflow-x:auto;margin:.8rem 0 1.2rem}
    table{border-collapse:collapse;width:100%;font-size:.9rem}
    table.wide{font-size:.78rem}table.wide th,table.wide td{padding:.3rem .4rem}
    th,td{padding:.35rem .6rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top;overflow-wrap:break-word}
    th{background:var(--fill);font-weight:600}table:not(.wide) th{white-space:nowrap}
    .n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
    .l{word-break:break-all;min-width:9rem}.d{white-space:nowrap}
    .alert{padding:.6rem .9rem;border-left:4px solid var(--bad);background:#fdf1ef}
    .empty{color:var(--soft)}
    figure{margin:1rem 0 1.4rem}figcaption{font-weight:600;margin-bottom:.4rem}
    svg{max-width:100%;height:auto;font:12px system-ui,"Liberation Sans",sans-serif}
    svg text{fill:var(--ink)}svg .soft{fill:var(--soft)}svg .a{fill:var(--a)}svg .b{fill:var(--b)}svg .axis{stroke:var(--line)}
    @media print{@page{size:A4;margin:14mm}body{padding:0;max-width:none;font-size:10pt}h2{break-after:avoid}tr,figure,.alert{break-inside:avoid}thead{display:table-header-group}.scroll{overflow:visible}table.wide{font-size:6.5pt;table-layout:fixed}table.wide th{white-space:normal}nav{display:none}a{color:inherit;text-decoration:none}}
    """
}

/// Writes the Prometheus text format 0.0.4.
///
/// Source: Prometheus, "Exposition formats".
struct PrometheusText {
  private(set) var text = ""

  mutating func family(_ name: String, _ family: MetricFamily, help: String?) {
    header(name, type: family.kind, help: help)
    let series = family.series.map { (labels: Self.labels($0.key.labels), reading: $0.value.reading) }
    for (labels, reading) in series.sorted(by: { $0.labels < $1.labels }) {
      switch reading {
      case .value(let value): sample(name, labels, value)
      case .histogram(let bounds, let counts, let sum): histogram(name, labels, bounds, counts, sum)
      }
    }
  }

  mutating func single(_ name: String, type: MetricFamily.Kind, value: Double) {
    header(name, type: type, help: nil)
    sample(name, "", value)
  }

  private mutating func header(_ name: String, type: MetricFamily.Kind, help: String?) {
    if let help { text += "# HELP \(name) \(Self.escape(help, quotes: false))\n" }
    text += "# TYPE \(name) \(type.rawValue)\n"
  }

  private mutating func histogram(_ name: String, _ labels: String, _ bounds: [Double], _ counts: [UInt64], _ sum: Double) {
    var total: UInt64 = 0
    for (index, count) in counts.enumerated() {
      total += count
      let bound = index < bounds.count ? Self.number(bounds[index]) : "+Inf"
      let separator = labels.isEmpty ? "" : ","
      sample("\(name)_bucket", "\(labels)\(separator)le=\"\(bound)\"", Double(total))
    }
    sample("\(name)_sum", labels, sum)
    sample("\(name)_count", labels, Double(total))
  }

  private mutating func sample(_ name: String, _ labels: String, _ value: Double) {
    text += labels.isEmpty ? "\(name) \(Self.number(value))\n" : "\(name){\(labels)} \(Self.number(value))\n"
  }

  private static func labels(_ labels: [LabelSet.Label]) -> String {
    labels.map { "\($0.name)=\"\(escape($0.value, quotes: true))\"" }.joined(separator: ",")
  }

  private static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    return Int64(exactly: value).map(String.init) ?? String(value)
  }

  private static func escape(_ text: String, quotes: Bool) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": escaped += "\\\\"
      case "\n": escaped += "\\n"
      case "\"" where quotes: escaped += "\\\""
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }

  /// A metric's name: letters, digits, `_` and `:`, not beginning with a digit. Anything else becomes `_`.
  static func name(_ text: String) -> String { valid(text, and: ":") }

  /// A label's name, which has no colon; `le` belongs to histograms.
  static func labelName(_ text: String) -> String { text == "le" ? "le_" : valid(text, and: "_") }

  private static func valid(_ text: String, and further: Unicode.Scalar) -> String {
    var name = ""
    for scalar in text.unicodeScalars {
      let isLetter = ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == "_" || scalar == further
      let isDigit = ("0"..."9").contains(scalar)
      if isDigit, name.isEmpty { name = "_" }
      name.unicodeScalars.append(isLetter || isDigit ? scalar : "_")
    }
    return name.isEmpty ? "_" : name
  }
}

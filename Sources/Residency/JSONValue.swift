/// A JSON document: the value of a record, the body of an audit event.
///
/// Numbers are IEEE doubles, as in `google.protobuf.Value`.
package enum JSONValue: Hashable, Sendable {
  case null
  case bool(Bool)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  package subscript(key: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members[key]
  }

  package var stringValue: String? {
    guard case .string(let text) = self else { return nil }
    return text
  }

  package var numberValue: Double? {
    guard case .number(let number) = self else { return nil }
    return number
  }

  package var arrayValue: [JSONValue]? {
    guard case .array(let items) = self else { return nil }
    return items
  }

  package static func integer(_ value: some BinaryInteger) -> JSONValue { .number(Double(value)) }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral,
  ExpressibleByBooleanLiteral,
  ExpressibleByIntegerLiteral
{
  package init(stringLiteral value: String) { self = .string(value) }
  package init(integerLiteral value: Int) { self = .number(Double(value)) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  package init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(Dictionary(elements, uniquingKeysWith: { _, last in last }))
  }
}

extension JSONValue {
  /// RFC 8785 (JSON Canonicalization Scheme): members in order of their UTF-16 code units, shortest numbers, no white space.
  /// The same document gives the same bytes everywhere, so its hash can be compared.
  package var canonicalBytes: [UInt8] {
    var out: [UInt8] = []
    write(to: &out)
    return out
  }

  package var canonicalText: String { String(decoding: canonicalBytes, as: UTF8.self) }

  private func write(to out: inout [UInt8]) {
    switch self {
    case .null: out += Array("null".utf8)
    case .bool(let value): out += Array((value ? "true" : "false").utf8)
    case .number(let value): out += Array(Self.canonicalNumber(value).utf8)
    case .string(let text): Self.write(text, to: &out)
    case .array(let items):
      out.append(0x5b)
      for (index, item) in items.enumerated() {
        if index > 0 { out.append(0x2c) }
        item.write(to: &out)
      }
      out.append(0x5d)
    case .object(let members):
      out.append(0x7b)
      let ordered = members.sorted { $0.key.utf16.lexicographicallyPrecedes($1.key.utf16) }
      for (index, member) in ordered.enumerated() {
        if index > 0 { out.append(0x2c) }
        Self.write(member.key, to: &out)
        out.append(0x3a)
        member.value.write(to: &out)
      }
      out.append(0x7d)
    }
  }

  /// Appends a text as a JSON string, with its quotation marks.
  package static func write(_ text: String, to out: inout [UInt8]) {
    out.append(0x22)
    var text = text
    let isPlain = text.withUTF8 { bytes in
      guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x22 && $0 != 0x5c }) else { return false }
      out.append(contentsOf: bytes)
      return true
    }
    if !isPlain { writeEscaped(text, to: &out) }
    out.append(0x22)
  }

  private static func writeEscaped(_ text: String, to out: inout [UInt8]) {
    for byte in text.utf8 {
      switch byte {
      case 0x22: out += [0x5c, 0x22]
      case 0x5c: out += [0x5c, 0x5c]
      case 0x08: out += [0x5c, 0x62]
      case 0x09: out += [0x5c, 0x74]
      case 0x0a: out += [0x5c, 0x6e]
      case 0x0c: out += [0x5c, 0x66]
      case 0x0d: out += [0x5c, 0x72]
      case 0..<0x20: out += Array("\\u00\([byte].hex)".utf8)
      default: out.append(byte)
      }
    }
  }

  /// ECMAScript's Number::toString for a finite double (ECMA-262, 6.1.6.1.20). A number that is not finite has no JSON form
  /// and becomes `null`; no parser of JSON makes one.
  private static func canonicalNumber(_ value: Double) -> String {
    guard value.isFinite else { return "null" }
    if value == 0 { return "0" }
    if value.magnitude < 9_007_199_254_740_992, value == value.rounded() { return String(Int64(value)) }
    // Swift's description is the shortest that round-trips: take its digits and exponent, and lay them out as ECMAScript does.
    var text = value.magnitude.description
    var exponent = 0
    if let e = text.firstIndex(of: "e") {
      exponent = Int(text[text.index(after: e)...]) ?? 0
      text = String(text[..<e])
    }
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    let whole = parts.first.map(String.init) ?? ""
    var fraction = parts.count > 1 ? String(parts[1]) : ""
    while fraction.hasSuffix("0") { fraction.removeLast() }
    var point = whole.count + exponent
    var digits = whole + fraction
    while digits.hasPrefix("0") {
      digits.removeFirst()
      point -= 1
    }
    while digits.hasSuffix("0") { digits.removeLast() }
    let sign = value < 0 ? "-" : ""
    return sign + layOut(digits: digits, point: point)
  }

  private static func layOut(digits: String, point: Int) -> String {
    let count = digits.count
    if count <= point, point <= 21 { return digits + String(repeating: "0", count: point - count) }
    if 0 < point, point <= 21 { return "\(digits.prefix(point)).\(digits.dropFirst(point))" }
    if -6 < point, point <= 0 { return "0." + String(repeating: "0", count: -point) + digits }
    let mantissa = count == 1 ? digits : "\(digits.prefix(1)).\(digits.dropFirst())"
    let exponent = point - 1
    return "\(mantissa)e\(exponent < 0 ? "-" : "+")\(exponent.magnitude)"
  }
}

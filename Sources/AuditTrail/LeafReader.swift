import Residency

/// Reads the members of a leaf's JSON, and says by path what is missing or wrong; never by value, which is anybody's.
struct LeafReader {
  private let value: JSONValue
  private let path: String

  init(_ value: JSONValue, path: String = "") {
    self.value = value
    self.path = path
  }

  func wrong(_ key: String) -> FormatError { FormatError(.leaf, "\(join(key)) has a value that it cannot have") }

  func string(_ key: String) throws(FormatError) -> String {
    guard let text = try optionalString(key) else { throw missing(key) }
    return text
  }

  func optionalString(_ key: String) throws(FormatError) -> String? {
    guard let member = value[key] else { return nil }
    guard let text = member.stringValue else { throw wrong(key) }
    return text
  }

  func number(_ key: String) throws(FormatError) -> Double {
    guard let member = value[key] else { throw missing(key) }
    guard let number = member.numberValue else { throw wrong(key) }
    return number
  }

  /// A text that `parse` accepts.
  func value<Value>(_ key: String, _ parse: (String) -> Value?) throws(FormatError) -> Value {
    guard let value = try optionalValue(key, parse) else { throw missing(key) }
    return value
  }

  func optionalValue<Value>(_ key: String, _ parse: (String) -> Value?) throws(FormatError) -> Value? {
    guard let text = try optionalString(key) else { return nil }
    guard let value = parse(text) else { throw wrong(key) }
    return value
  }

  func member(_ key: String) throws(FormatError) -> LeafReader {
    guard let member = try optionalMember(key) else { throw missing(key) }
    return member
  }

  func optionalMember(_ key: String) throws(FormatError) -> LeafReader? {
    guard let member = value[key] else { return nil }
    guard case .object = member else { throw wrong(key) }
    return LeafReader(member, path: join(key))
  }

  /// The items of a list of objects; none where it is left out.
  func list<Item>(_ key: String, _ parse: (LeafReader) throws(FormatError) -> Item) throws(FormatError) -> [Item] {
    var parsed: [Item] = []
    for (index, item) in try items(key).enumerated() {
      guard case .object = item else { throw wrong(key) }
      parsed.append(try parse(LeafReader(item, path: "\(join(key))[\(index)]")))
    }
    return parsed
  }

  func strings(_ key: String) throws(FormatError) -> [String] {
    let items = try items(key)
    let texts = items.compactMap(\.stringValue)
    guard texts.count == items.count else { throw wrong(key) }
    return texts
  }

  private func items(_ key: String) throws(FormatError) -> [JSONValue] {
    guard let member = value[key] else { return [] }
    guard let items = member.arrayValue else { throw wrong(key) }
    return items
  }

  private func missing(_ key: String) -> FormatError { FormatError(.leaf, "\(join(key)) is missing") }
  private func join(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
}

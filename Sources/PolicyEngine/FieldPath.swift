/// Where a value stands in a record: `address.street`, and `items[].price` for every element of a list.
struct FieldPath: Hashable, Sendable {
  let text: String

  private static let depthMax = 16

  /// - Returns: `nil` where `text` is not names with full stops between them, each followed by `[]` as often as lists lie in it.
  init?(_ text: String) {
    let names = text.split(separator: ".", omittingEmptySubsequences: false)
    guard names.count <= Self.depthMax else { return nil }
    for name in names {
      var name = name
      while name.hasSuffix("[]") { name.removeLast(2) }
      guard Self.isPlain(name) else { return nil }
    }
    self.text = text
  }

  private init(unchecked text: String) { self.text = text }

  /// A record's own member. `nil` for a name that a path cannot be written with.
  init?(member name: String) {
    guard Self.isPlain(name[...]) else { return nil }
    text = name
  }

  /// The path of an object's member. `nil` for a name that a path cannot be written with: no rule speaks of such a member alone.
  func member(_ name: String) -> FieldPath? {
    Self.isPlain(name[...]) ? FieldPath(unchecked: "\(text).\(name)") : nil
  }

  /// The path of a list's elements.
  var element: FieldPath { FieldPath(unchecked: text + "[]") }

  private static func isPlain(_ name: Substring) -> Bool {
    !name.isEmpty && name.utf8.allSatisfy { $0 != 0x2e && $0 != 0x5b && $0 != 0x5d && $0 != 0x2a }
  }

  /// `text` without its marks of lists. A record whose writer put one value where its schema has a list, or the other way round, is
  /// judged by the same fields.
  static func shapeless(_ text: String) -> String {
    text.utf8.contains(0x5b) ? text.replacing("[]", with: "") : text
  }

  /// What `text` lies in, the nearest first: `items[].price` lies in `items[]`, and that in `items`.
  static func ancestors(of text: String) -> some Sequence<String> {
    sequence(state: text[...]) { (rest: inout Substring) -> String? in
      if rest.hasSuffix("[]") {
        rest.removeLast(2)
      } else if let stop = rest.lastIndex(of: ".") {
        rest = rest[..<stop]
      } else {
        return nil
      }
      return String(rest)
    }
  }

  /// Whether `text` lies in `other`. Both without marks of lists, or both with them.
  static func isText(_ text: String, within other: String) -> Bool {
    guard text.utf8.count > other.utf8.count, text.hasPrefix(other) else { return false }
    let next = text.utf8[text.utf8.index(text.utf8.startIndex, offsetBy: other.utf8.count)]
    return next == 0x2e || next == 0x5b
  }
}

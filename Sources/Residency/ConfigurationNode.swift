internal import Yams

/// A YAML document that remembers where everything in it stands, read strictly: an unknown key, a key given twice or a value
/// of the wrong kind is a ``Diagnostic``, never ignored.
///
/// Readers collect diagnostics and go on, so that one run reports every error.
package struct ConfigurationNode: Sendable {
  /// What the node holds. Scalars keep their text: `NO` is Norway, not a boolean.
  package indirect enum Content: Sendable {
    case scalar(String)
    case sequence([ConfigurationNode])
    case mapping([(key: ConfigurationNode, value: ConfigurationNode)])
    /// Nothing after the key, `~` or `null`.
    case empty
  }

  package let content: Content
  package let location: SourceLocation

  /// The one document in `text`.
  /// - Parameter file: the name that diagnostics give.
  /// - Throws: ``ConfigurationError`` with one diagnostic where the text is not one YAML document, or uses anchors too deep.
  package static func parse(_ text: String, file: String) throws(ConfigurationError) -> ConfigurationNode {
    let start = SourceLocation(file: file, line: 1, column: 1)
    do {
      guard let node = try Yams.compose(yaml: text) else {
        return ConfigurationNode(content: .empty, location: start)
      }
      var room = nodeCountMax
      return try convert(node, file: file, depth: 0, &room)
    } catch let error as ConfigurationError {
      throw error
    } catch let error as YamlError {
      throw ConfigurationError([diagnostic(for: error, start: start)])
    } catch {
      throw ConfigurationError([Diagnostic(at: start, "not a YAML document")])
    }
  }

  private static let depthMax = 32
  /// More than a file of a mebibyte holds, unless values stand for others that stand for others.
  private static let nodeCountMax = 600_000

  /// - Parameter room: how many values there may still be.
  private static func convert(
    _ node: Node, file: String, depth: Int, _ room: inout Int
  ) throws(ConfigurationError) -> ConfigurationNode {
    let location = SourceLocation(file: file, line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
    guard depth < depthMax else {
      throw ConfigurationError([Diagnostic(at: location, "nested more than \(depthMax) levels deep")])
    }
    room -= 1
    guard room >= 0 else {
      throw ConfigurationError([
        Diagnostic(at: location, "more than \(nodeCountMax) values", help: "divide the file, and write out what aliases repeat")
      ])
    }
    switch node {
    case .scalar(let scalar):
      guard !scalar.string.unicodeScalars.contains(where: isControl) else {
        throw ConfigurationError([
          Diagnostic(at: location, "a control character in a text", help: "remove it: it could forge what a terminal shows")
        ])
      }
      let isNull = scalar.style == .plain && ["", "~", "null"].contains(scalar.string)
      return ConfigurationNode(content: isNull ? .empty : .scalar(scalar.string), location: location)
    case .sequence(let sequence):
      var items: [ConfigurationNode] = []
      for item in sequence { items.append(try convert(item, file: file, depth: depth + 1, &room)) }
      return ConfigurationNode(content: .sequence(items), location: location)
    case .mapping(let mapping):
      var pairs: [(key: ConfigurationNode, value: ConfigurationNode)] = []
      for (key, value) in mapping {
        pairs.append(
          (try convert(key, file: file, depth: depth + 1, &room), try convert(value, file: file, depth: depth + 1, &room)))
      }
      return ConfigurationNode(content: .mapping(pairs), location: location)
    case .alias:
      throw ConfigurationError([Diagnostic(at: location, "aliases are not supported", help: "write the value out")])
    }
  }

  /// C0 and C1 controls but tab and line feed, and what turns the direction of writing.
  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09, 0x0a: false
    case 0x00..<0x20, 0x7f..<0xa0, 0x200e...0x200f, 0x202a...0x202e, 0x2066...0x2069: true
    default: false
    }
  }

  private static func diagnostic(for error: YamlError, start: SourceLocation) -> Diagnostic {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
      Diagnostic(at: SourceLocation(file: start.file, line: mark.line, column: mark.column), "not YAML: \(problem)")
    case .duplicatedKeysInMapping(let duplicates, let context):
      Diagnostic(
        at: SourceLocation(file: start.file, line: context.mark.line, column: context.mark.column),
        "the same key is given twice: \(duplicates)")
    default:
      Diagnostic(at: start, "not a YAML document: \(error)")
    }
  }
}

extension ConfigurationNode {
  /// The text of a scalar, or `nil` with a diagnostic.
  package func string(_ what: String, _ diagnostics: inout [Diagnostic]) -> String? {
    if case .scalar(let text) = content { return text }
    diagnostics.append(Diagnostic(at: location, "\(what) must be text, not \(kind)"))
    return nil
  }

  /// A whole number, or `nil` with a diagnostic.
  package func integer(_ what: String, _ diagnostics: inout [Diagnostic]) -> Int? {
    guard case .scalar(let text) = content, let number = Int(text) else {
      diagnostics.append(Diagnostic(at: location, "\(what) must be a whole number, not \(kind)"))
      return nil
    }
    return number
  }

  /// A number, or `nil` with a diagnostic.
  package func double(_ what: String, _ diagnostics: inout [Diagnostic]) -> Double? {
    guard case .scalar(let text) = content, let number = Double(text), number.isFinite else {
      diagnostics.append(Diagnostic(at: location, "\(what) must be a number, not \(kind)"))
      return nil
    }
    return number
  }

  /// The items of a sequence; a lone scalar counts as a sequence of one. `nil` with a diagnostic for anything else.
  package func items(_ what: String, _ diagnostics: inout [Diagnostic]) -> [ConfigurationNode]? {
    switch content {
    case .sequence(let items): return items
    case .scalar: return [self]
    case .mapping, .empty:
      diagnostics.append(Diagnostic(at: location, "\(what) must be a list, not \(kind)"))
      return nil
    }
  }

  /// The pairs of a mapping with free keys, in file order. `nil` with a diagnostic for anything else.
  package func pairs(_ what: String, _ diagnostics: inout [Diagnostic]) -> [(key: ConfigurationNode, value: ConfigurationNode)]? {
    if case .mapping(let pairs) = content { return pairs }
    diagnostics.append(Diagnostic(at: location, "\(what) must be a mapping, not \(kind)"))
    return nil
  }

  /// The values of a mapping with known keys. Unknown keys and missing required keys become diagnostics.
  package func fields(
    _ what: String, required: [String] = [], optional: [String] = [], _ diagnostics: inout [Diagnostic]
  ) -> [String: ConfigurationNode]? {
    guard let pairs = pairs(what, &diagnostics) else { return nil }
    var fields: [String: ConfigurationNode] = [:]
    let known = required + optional
    for (key, value) in pairs {
      guard let name = key.string("a key of \(what)", &diagnostics) else { continue }
      if known.contains(name) {
        fields[name] = value
      } else {
        let help = nearest(name, in: known).map { "did you mean '\($0)'?" } ?? "known keys: \(known.joined(separator: ", "))"
        diagnostics.append(Diagnostic(at: key.location, "\(what) has no key '\(name)'", help: help))
      }
    }
    for name in required where fields[name] == nil {
      diagnostics.append(Diagnostic(at: location, "\(what) lacks '\(name)'", help: "add '\(name): …'"))
    }
    return fields
  }

  /// What the node is, in words for a message.
  package var kind: String {
    switch content {
    case .scalar(let text): "'\(text)'"
    case .sequence: "a list"
    case .mapping: "a mapping"
    case .empty: "nothing"
    }
  }
}

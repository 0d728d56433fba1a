package import Residency

/// What no log can know, and an operator states: who the controller is, how long data is kept. It stands in reports as the statement that
/// it is.
///
/// YAML: `controller`, `representative`, `data_protection_officer`, `processors`, `subjects`, `erasure`, `security`, each a text or a list
/// of texts.
package struct ReportContext: Hashable, Sendable {
  package static let keys = [
    "controller", "representative", "data_protection_officer", "processors", "subjects", "erasure", "security",
  ]
  private let statements: [String: [String]]

  package static let nothing = ReportContext(statements: [:])

  private init(statements: [String: [String]]) { self.statements = statements }

  /// - Throws: ``ConfigurationError`` for an unknown key, a key given twice, or a value that is neither a text nor a list of texts.
  package init(parsing text: String, file: String) throws(ConfigurationError) {
    let node = try ConfigurationNode.parse(text, file: file)
    guard case .mapping(let members) = node.content else {
      throw ConfigurationError([
        Diagnostic(at: node.location, "not a mapping", help: "write 'controller: Example Ltd.' and so on")
      ])
    }
    var statements: [String: [String]] = [:]
    var problems: [Diagnostic] = []
    for (key, value) in members {
      guard case .scalar(let name) = key.content, Self.keys.contains(name) else {
        problems.append(Diagnostic(at: key.location, "unknown key", help: "known: \(Self.keys.joined(separator: ", "))"))
        continue
      }
      guard statements[name] == nil else {
        problems.append(Diagnostic(at: key.location, "'\(name)' is given twice", help: "keep one"))
        continue
      }
      switch value.content {
      case .scalar(let text): statements[name] = [text]
      case .sequence(let items):
        statements[name] = items.compactMap { if case .scalar(let text) = $0.content { text } else { nil } }
        if statements[name]?.count != items.count {
          problems.append(Diagnostic(at: value.location, "'\(name)' is a text or a list of texts", help: "write it as one"))
        }
      case .mapping, .empty:
        problems.append(Diagnostic(at: value.location, "'\(name)' is a text or a list of texts", help: "write it as one"))
      }
    }
    guard problems.isEmpty else { throw ConfigurationError(problems) }
    self.statements = statements
  }

  /// What was stated, or that nothing was.
  func statement(_ key: String) -> String {
    statements[key].map { $0.joined(separator: "; ") } ?? "not stated: no log knows it; give it with --context FILE, key '\(key)'"
  }
}

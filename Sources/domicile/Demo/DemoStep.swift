import Residency

/// One call of the demo's story: the command line that makes it, and what has to come of it.
struct DemoStep {
  let title: String
  let command: String
  /// Each part of the answer that has to be as it says. None: the command has to end with 0.
  let expectations: [Expectation]

  struct Expectation {
    /// Members and indexes, with dots between them: `decision.rules.0`.
    let path: String
    let what: String
    let holds: @Sendable (JSONValue?) -> Bool
  }

  init(_ title: String, _ command: String, _ expectations: [Expectation] = []) {
    self.title = title
    self.command = command
    self.expectations = expectations
  }
}

extension DemoStep.Expectation {
  static func equals(_ path: String, _ value: String) -> Self {
    Self(path: path, what: "is \(value)") { $0?.stringValue == value }
  }

  static func starts(_ path: String, with prefix: String) -> Self {
    Self(path: path, what: "starts with \(prefix)") { $0?.stringValue?.hasPrefix(prefix) ?? false }
  }

  static func isThere(_ path: String) -> Self {
    Self(path: path, what: "is there") { $0 != nil }
  }

  static func isAbsent(_ path: String) -> Self {
    Self(path: path, what: "is absent") { $0 == nil }
  }
}

extension JSONValue {
  /// The value at a path of members and indexes with dots between them.
  func value(at path: String) -> JSONValue? {
    var current: JSONValue? = self
    for part in path.split(separator: ".") {
      switch current {
      case .array(let items): current = Int(part).flatMap { items.indices.contains($0) ? items[$0] : nil }
      default: current = current?[String(part)]
      }
    }
    return current
  }
}

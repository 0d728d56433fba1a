import Foundation
import PolicyEngine
import Residency

/// That somebody knows what a change of policies opens, and wants it.
///
/// ```yaml
/// acknowledged:
///   - from: sha256:…
///     to: sha256:…
///     by: Data Protection Officer
///     reason: Support in Japan, decided on 2026-11-20
/// ```
struct Acknowledgement {
  let from: String
  let to: String
  let by: String
  let reason: String

  func isOf(_ diff: PolicyDiff) -> Bool { from == diff.oldRevision && to == diff.newRevision }

  /// - Throws: ``ConfigurationError`` where the file cannot be read.
  static func read(_ path: String) throws -> [Acknowledgement] {
    let start = SourceLocation(file: path, line: 1, column: 1)
    guard let data = FileManager.default.contents(atPath: path), let text = String(bytes: data, encoding: .utf8) else {
      throw ConfigurationError([Diagnostic(at: start, "the file cannot be read", help: "check its name")])
    }
    var diagnostics: [Diagnostic] = []
    let file = try ConfigurationNode.parse(text, file: path).fields("the file", required: ["acknowledged"], &diagnostics)
    let items = file?["acknowledged"]?.items("'acknowledged'", &diagnostics) ?? []
    let keys = ["from", "to", "by", "reason"]
    let entries = items.compactMap { item -> Acknowledgement? in
      guard let fields = item.fields("an acknowledgement", required: keys, &diagnostics) else { return nil }
      let values = keys.compactMap { key in fields[key].flatMap { $0.string("'\(key)'", &diagnostics) } }
      guard values.count == keys.count else { return nil }
      for (key, value) in zip(keys, values) where value.isEmpty || value == "…" {
        diagnostics.append(Diagnostic(at: fields[key]?.location ?? item.location, "'\(key)' says nothing"))
      }
      return Acknowledgement(from: values[0], to: values[1], by: values[2], reason: values[3])
    }
    guard diagnostics.isEmpty else { throw ConfigurationError(diagnostics) }
    return entries
  }

  static func template(_ diff: PolicyDiff) -> String {
    """
    acknowledged:
      - from: \(diff.oldRevision)
        to: \(diff.newRevision)
        by: …
        reason: …
    """
  }
}

import ArgumentParser
import PolicyEngine
import Residency

/// What the commands that read a folder of policies have in common.
enum PolicyReport {
  /// Runs `body`; errors in files are printed, as JSON where that was asked for.
  /// - Throws: `ExitCode(1)` where files have errors.
  static func withDiagnostics<Value>(json: Bool, _ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch let error as ConfigurationError {
      if json {
        print(JSONValue.object(["ok": false, "diagnostics": .array(error.diagnostics.map(\.json))]).canonicalText)
      } else {
        printError(error.description)
      }
      throw ExitCode(1)
    }
  }

  /// What a report does not speak of, for packs only watch it.
  static func monitoredNote(_ packs: [String], _ style: TerminalStyle) -> String? {
    packs.isEmpty
      ? nil
      : "\(style.doubtful("note  "))  in monitor, and not a part of this: \(packs.joined(separator: ", ")); see --enforce-all"
  }

  /// An error for each invariant that does not hold.
  static func brokenInvariants(_ proof: PolicyProof) -> [Diagnostic] {
    proof.invariants.compactMap { invariant in
      invariant.counterexample.map {
        Diagnostic(at: invariant.location, "the invariant '\(invariant.id)' is broken: \($0.facts.description) \($0.what)")
      }
    }
  }

  /// `forbid eu.health-stays  policies/eu-transfers.yaml:61`
  static func describe(_ rule: MatchedRule, _ style: TerminalStyle) -> String {
    "\(rule.kind.rawValue) \(rule.id)  \(style.faint(rule.location.fileAndLine))"
  }

  /// `1,234,567`
  static func grouped(_ number: Int) -> String {
    var text = String(number)
    var index = text.count - 3
    while index > 0 {
      text.insert(",", at: text.index(text.startIndex, offsetBy: index))
      index -= 3
    }
    return text
  }

  /// `a, b, c and 12 more`
  static func some(_ words: [String], max: Int) -> String {
    guard words.count > max + 1 else { return words.joined(separator: ", ") }
    return words.prefix(max).joined(separator: ", ") + " and \(words.count - max) more"
  }
}

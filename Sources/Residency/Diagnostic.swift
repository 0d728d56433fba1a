/// A place in a configuration file. Lines and columns count from 1.
package struct SourceLocation: Hashable, Sendable, Comparable, CustomStringConvertible {
  package let file: String
  package let line: Int
  package let column: Int

  package init(file: String, line: Int, column: Int) {
    self.file = file
    self.line = line
    self.column = column
  }

  package var description: String { "\(file):\(line):\(column)" }
  /// Without the column, as explanations show it: `policies/eu-transfers.yaml:28`.
  package var fileAndLine: String { "\(file):\(line)" }

  package static func < (left: Self, right: Self) -> Bool {
    (left.file, left.line, left.column) < (right.file, right.line, right.column)
  }
}

/// One thing that is wrong in a configuration file: where, what, and what to write instead.
package struct Diagnostic: Hashable, Sendable, CustomStringConvertible {
  package enum Severity: String, Sendable { case error, warning }

  package let severity: Severity
  package let location: SourceLocation
  package let message: String
  /// What to do about it, e.g. `did you mean 'contact'?`.
  package let help: String?

  package init(_ severity: Severity = .error, at location: SourceLocation, _ message: String, help: String? = nil) {
    self.severity = severity
    self.location = location
    self.message = message
    self.help = help
  }

  /// In the form compilers use, so that editors can jump to it.
  package var description: String {
    let line = "\(location): \(severity.rawValue): \(message)"
    guard let help else { return line }
    return "\(line)\n    help: \(help)"
  }
}

/// Everything that is wrong with a set of configuration files, at once.
package struct ConfigurationError: Error, Sendable, CustomStringConvertible {
  package let diagnostics: [Diagnostic]

  package init(_ diagnostics: [Diagnostic]) { self.diagnostics = diagnostics }

  package var description: String {
    diagnostics.sorted { $0.location < $1.location }.map(\.description).joined(separator: "\n")
  }
}

/// The member of `candidates` that `word` probably meant: within two edits, and fewer than half of its letters.
package func nearest(_ word: String, in candidates: some Sequence<String>) -> String? {
  var best: (candidate: String, distance: Int)?
  for candidate in candidates {
    // Words too long to be typed by hand are not compared: that takes time in proportion to the product of their lengths.
    guard max(word.utf8.count, candidate.utf8.count) <= 256 else { continue }
    let distance = editDistance(Array(word.lowercased()), Array(candidate.lowercased()))
    guard distance <= 2, distance * 2 < max(word.count, candidate.count) else { continue }
    if best.map({ distance < $0.distance }) ?? true { best = (candidate, distance) }
  }
  return best?.candidate
}

/// Levenshtein distance.
private func editDistance(_ left: [Character], _ right: [Character]) -> Int {
  var row = Array(0...right.count)
  for (i, a) in left.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for (j, b) in right.enumerated() {
      let substitution = diagonal + (a == b ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(substitution, row[j] + 1, row[j + 1] + 1)
    }
  }
  return row[right.count]
}

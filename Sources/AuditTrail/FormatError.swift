/// Bytes that are not what their format says: which format, where, and what is wrong.
///
/// What it quotes is at most a number: these bytes come from whoever sent them.
package struct FormatError: Error, Hashable, Sendable, CustomStringConvertible {
  package enum Format: String, Hashable, Sendable {
    case checkpoint, note = "signed note", key, tile, entries = "entry bundle", proof, addCheckpoint = "add-checkpoint request"
    case frontier, leaf, cosignature, index
    case storedRows = "stored rows"
  }

  package let format: Format
  /// Counts from 1, where the format has lines.
  package let line: Int?
  package let problem: String

  package init(_ format: Format, line: Int? = nil, _ problem: String) {
    self.format = format
    self.line = line
    self.problem = problem
  }

  package var description: String {
    guard let line else { return "\(format.rawValue): \(problem)" }
    return "\(format.rawValue), line \(line): \(problem)"
  }
}

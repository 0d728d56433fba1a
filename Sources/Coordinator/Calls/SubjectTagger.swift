import Cryptography
package import Residency

/// Turns a subject's id into the tag under which the global layer knows it. The key is shared by all regions and by nobody else:
/// without it, a tag does not tell whose it is.
package struct SubjectTagger: Sendable {
  private let key: [UInt8]

  /// - Returns: `nil` unless the key has 32 bytes.
  package init?(key: [UInt8]) {
    guard key.count == 32 else { return nil }
    self.key = key
  }

  package func tag(of subject: SubjectID) -> SubjectTag? {
    SubjectTag(Array(HMACSHA256.code(for: Array(subject.rawValue.utf8), key: key).prefix(SubjectTag.byteCount)))
  }
}

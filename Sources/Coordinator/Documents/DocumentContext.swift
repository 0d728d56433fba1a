import ConnectRPC
import Cryptography
import Directory
import Residency

/// What a caller has read of one document, in whichever region: a write that carries it replaces that, and nothing else.
///
/// It names places of logs, nobody in them, and gives no right to anything. It is signed, since a write that claims to have seen what was
/// never written would hide what is written there.
struct DocumentContext: Hashable, Sendable {
  private static let version: UInt8 = 1
  private static let codeBytes = 32
  /// More than 100 logs, which is more than regions times restores.
  private static let textMax = 2_048

  let id: DocumentID
  let seen: VersionVector

  init(of id: DocumentID, seen: VersionVector) {
    self.id = id
    self.seen = seen
  }

  /// - Parameters:
  ///   - text: empty for none.
  ///   - key: the same in all regions of a deployment.
  /// - Returns: `nil` for none.
  /// - Throws: a ``Refusal`` unless `text` was made under `key`, and of this document.
  init?(_ text: String, of id: DocumentID, key: [UInt8]) throws(Refusal) {
    guard !text.isEmpty else { return nil }
    guard text.utf8.count <= Self.textMax, let bytes = [UInt8](base64URL: text), bytes.count > Self.codeBytes + 1,
      bytes[0] == Self.version
    else { throw Self.malformed }
    let vector = Array(bytes.dropFirst().dropLast(Self.codeBytes))
    guard HMACSHA256.isValid(Array(bytes.suffix(Self.codeBytes)), for: Self.signed(vector, id), key: key),
      let seen = try? VersionVector(decoding: vector)
    else { throw Self.malformed }
    self.init(of: id, seen: seen)
  }

  func text(key: [UInt8]) -> String {
    let vector = seen.encoded
    return ([Self.version] + vector + HMACSHA256.code(for: Self.signed(vector, id), key: key)).base64URL
  }

  private static func signed(_ vector: [UInt8], _ id: DocumentID) -> [UInt8] {
    Array("domicile/1/document context\0\(id.collection)\0\(id.key)\0".utf8) + vector
  }

  private static let malformed = Refusal(
    .invalidArgument, .invalidArgument,
    "The context is not one that a region of this deployment gave out for this document. Read it, and write with the context of the answer."
  )
}

package import Cryptography

/// The public half of a key that signs notes: `name+hex8+base64(algorithm ‖ key)` (C2SP signed-note).
package struct VerifierKey: Hashable, Sendable, CustomStringConvertible {
  package enum Algorithm: UInt8, Hashable, Sendable {
    /// A log's signature over its own checkpoints.
    case ed25519 = 1
    /// A witness's timestamped signature (C2SP tlog-cosignature, v1).
    case cosignatureV1 = 4
  }

  /// Which key made a signature. Short, so it identifies and proves nothing.
  package struct ID: Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt32
    package var bytes: [UInt8] { withUnsafeBytes(of: rawValue.bigEndian) { [UInt8]($0) } }
    package var description: String {
      let digits = String(rawValue, radix: 16)
      return String(repeating: "0", count: 8 - digits.count) + digits
    }
  }

  package let name: KeyName
  package let algorithm: Algorithm
  package let publicKey: Ed25519PublicKey
  package let id: ID

  package init(name: KeyName, algorithm: Algorithm, publicKey: Ed25519PublicKey) {
    self.name = name
    self.algorithm = algorithm
    self.publicKey = publicKey
    id = Self.id(name: name, algorithm: algorithm, publicKey: publicKey)
  }

  /// `SHA-256(name ‖ 0x0A ‖ algorithm ‖ public key)`, the first four bytes.
  static func id(name: KeyName, algorithm: Algorithm, publicKey: Ed25519PublicKey) -> ID {
    let hash = SHA256.hash(name.utf8 + [0x0a, algorithm.rawValue] + publicKey.bytes)
    return ID(rawValue: hash.prefix(4).reduce(0) { $0 << 8 | UInt32($1) })
  }

  /// - Throws: ``FormatError`` where the text is not of the form above, the algorithm is another, or the id is not the key's.
  package init(parsing text: String) throws(FormatError) {
    let parts = text.utf8.split(separator: UInt8(ascii: "+"), maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, let name = KeyName(parts[0]) else { throw FormatError(.key, "not name+id+key") }
    guard let bytes = Base64.decode(parts[2]), let first = bytes.first, bytes.count == 33 else {
      throw FormatError(.key, "the key is not base64 of 33 bytes")
    }
    guard let algorithm = Algorithm(rawValue: first) else {
      throw FormatError(.key, "algorithm \(first) is neither 1 (Ed25519) nor 4 (Ed25519 cosignature)")
    }
    let publicKey: Ed25519PublicKey
    do throws(CryptographyError) {
      publicKey = try Ed25519PublicKey(bytes: Array(bytes.dropFirst()))
    } catch {
      throw FormatError(.key, error.description)
    }
    self.init(name: name, algorithm: algorithm, publicKey: publicKey)
    guard parts[1].elementsEqual(id.description.utf8) else { throw FormatError(.key, "the id is not that of the name and key") }
  }

  package var description: String { "\(name)+\(id)+\(Base64.encode([algorithm.rawValue] + publicKey.bytes))" }
}

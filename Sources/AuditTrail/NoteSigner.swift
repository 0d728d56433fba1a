package import Cryptography

/// A key that signs notes: a log's own, or a witness's. No description shows the private half.
package struct NoteSigner: Sendable, CustomStringConvertible, CustomReflectable {
  package let verifierKey: VerifierKey
  private let privateKey: Ed25519PrivateKey

  package init(name: KeyName, algorithm: VerifierKey.Algorithm, privateKey: Ed25519PrivateKey) {
    self.privateKey = privateKey
    verifierKey = VerifierKey(name: name, algorithm: algorithm, publicKey: privateKey.publicKey)
  }

  /// Reads what ``privateText`` wrote.
  package init(parsingPrivate text: String) throws(FormatError) {
    let prefix = "PRIVATE+KEY+"
    guard text.hasPrefix(prefix) else { throw FormatError(.key, "not a private key: it does not start with \(prefix)") }
    let parts = text.utf8.dropFirst(prefix.utf8.count)
      .split(separator: UInt8(ascii: "+"), maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, let name = KeyName(parts[0]), let bytes = Base64.decode(parts[2]), bytes.count == 33,
      let algorithm = VerifierKey.Algorithm(rawValue: bytes[0])
    else { throw FormatError(.key, "not name+id+key") }
    let privateKey: Ed25519PrivateKey
    do throws(CryptographyError) {
      privateKey = try Ed25519PrivateKey(seed: Array(bytes.dropFirst()))
    } catch {
      throw FormatError(.key, error.description)
    }
    self.init(name: name, algorithm: algorithm, privateKey: privateKey)
    guard parts[1].elementsEqual(verifierKey.id.description.utf8) else {
      throw FormatError(.key, "the id is not that of the name and key")
    }
  }

  /// `PRIVATE+KEY+name+hex8+base64(algorithm ‖ seed)`, as other tools for signed notes write it. A secret: for a file that only
  /// its owner can read.
  package var privateText: String {
    let key = Base64.encode([verifierKey.algorithm.rawValue] + privateKey.seed)
    return "PRIVATE+KEY+\(verifierKey.name)+\(verifierKey.id)+\(key)"
  }

  /// The signature over a note's text.
  /// - Parameter time: seconds since 1970 UTC, at most 2⁶³ − 1; part of a cosignature, without meaning for a log's own key.
  package func sign(_ text: [UInt8], time: UInt64) throws(CryptographyError) -> SignedNote.Signature {
    switch verifierKey.algorithm {
    case .ed25519:
      return signature(try privateKey.sign(text))
    case .cosignatureV1:
      let timeBytes = withUnsafeBytes(of: time.bigEndian) { [UInt8]($0) }
      return signature(timeBytes + (try privateKey.sign(Cosignature.message(time: time, checkpoint: text))))
    }
  }

  private func signature(_ bytes: [UInt8]) -> SignedNote.Signature {
    SignedNote.Signature(name: verifierKey.name, keyID: verifierKey.id, bytes: bytes)
  }

  package var description: String { "NoteSigner(\(verifierKey.name)+\(verifierKey.id))" }
  package var customMirror: Mirror { Mirror(self, children: []) }
}

import Cryptography

/// A signature that was checked.
package struct VerifiedSignature: Hashable, Sendable {
  package let key: VerifierKey
  /// Seconds since 1970 UTC at which a witness says it cosigned; `nil` for a log's own signature.
  package let cosignedAt: UInt64?
}

/// Why a note is not to be believed.
package enum NoteError: Error, Hashable, Sendable, CustomStringConvertible {
  /// No signature is by a known key.
  case noKnownSignature
  /// A signature that claims a known key is not that key's: the note was changed, or the signature forged.
  case invalidSignature(KeyName)

  package var description: String {
    switch self {
    case .noKnownSignature: "no signature of a trusted key"
    case .invalidSignature(let name): "the signature of \(name) does not fit the text"
    }
  }
}

extension SignedNote {
  /// The valid signatures of known keys. Signatures of unknown keys are passed over, also where only name or only id is known.
  /// - Throws: ``NoteError`` where a known key's signature fails, or no key is known.
  package func verify(with keys: some Sequence<VerifierKey>) throws(NoteError) -> [VerifiedSignature] {
    let keys = Array(keys)
    var verified: [VerifiedSignature] = []
    for signature in signatures {
      let known = keys.filter { $0.name == signature.name && $0.id == signature.keyID }
      guard !known.isEmpty else { continue }
      // Two keys with one name and id: a collision of 32 bits. Valid under either is valid.
      guard let found = known.lazy.compactMap({ $0.check(signature, text: text) }).first else {
        throw .invalidSignature(signature.name)
      }
      if !verified.contains(where: { $0.key == found.key }) { verified.append(found) }
    }
    guard !verified.isEmpty else { throw .noKnownSignature }
    return verified
  }
}

extension VerifierKey {
  func check(_ signature: SignedNote.Signature, text: [UInt8]) -> VerifiedSignature? {
    switch algorithm {
    case .ed25519:
      guard publicKey.isValid(signature: signature.bytes, for: text) else { return nil }
      return VerifiedSignature(key: self, cosignedAt: nil)
    case .cosignatureV1:
      guard signature.bytes.count == 8 + Ed25519PrivateKey.signatureByteCount else { return nil }
      let time = signature.bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      let message = Cosignature.message(time: time, checkpoint: text)
      guard time <= UInt64(Int64.max), publicKey.isValid(signature: Array(signature.bytes.dropFirst(8)), for: message) else {
        return nil
      }
      return VerifiedSignature(key: self, cosignedAt: time)
    }
  }
}

/// A witness's word that it saw a checkpoint, and that the log only grew up to it (C2SP tlog-cosignature, v1).
package enum Cosignature {
  /// What the witness signs: a header line, the time, and the checkpoint's whole text.
  /// - Parameter time: seconds since 1970 UTC.
  package static func message(time: UInt64, checkpoint: [UInt8]) -> [UInt8] {
    Array("cosignature/v1\ntime \(time)\n".utf8) + checkpoint
  }
}

import Cryptography
import Residency

/// Whose word an auditor takes: the logs, the witnesses, and how many of them must have cosigned (C2SP tlog-policy). It comes
/// from the auditor's own file, never from the log that is checked.
package struct TrustPolicy: Sendable {
  package struct Log: Hashable, Sendable {
    package let key: VerifierKey
    package let url: String?
  }

  package struct Witness: Hashable, Sendable {
    /// Its name in this file only.
    package let name: String
    package let key: VerifierKey
    package let url: String?

    package init(name: String, key: VerifierKey, url: String?) {
      self.name = name
      self.key = key
      self.url = url
    }
  }

  package indirect enum Quorum: Hashable, Sendable {
    /// `quorum none`: no cosignature is asked for.
    case none
    case witness(VerifierKey)
    /// At least `threshold` of the members.
    case group(threshold: Int, members: [Quorum])

    package func isMet(by cosigners: Set<VerifierKey>) -> Bool {
      switch self {
      case .none: true
      case .witness(let key): cosigners.contains(key)
      case .group(let threshold, let members): members.count { $0.isMet(by: cosigners) } >= threshold
      }
    }
  }

  package let logs: [Log]
  package let witnesses: [Witness]
  package let quorum: Quorum

  package init(logs: [Log], witnesses: [Witness], quorum: Quorum) {
    self.logs = logs
    self.witnesses = witnesses
    self.quorum = quorum
  }
}

/// A checkpoint that a trusted log signed. Only ``TrustPolicy/verify(_:)`` makes one.
package struct TrustedCheckpoint: Sendable {
  package enum QuorumState: String, Hashable, Sendable {
    case met
    case unmet
    /// The trust file asks for no witness.
    case notRequired
  }

  package let checkpoint: Checkpoint
  package let note: SignedNote
  package let logKey: VerifierKey
  /// Of known witnesses, in the order of the note.
  package let cosignatures: [(witness: TrustPolicy.Witness, at: UTCTime)]
  package let quorum: QuorumState

  fileprivate init(
    checkpoint: Checkpoint, note: SignedNote, logKey: VerifierKey,
    cosignatures: [(witness: TrustPolicy.Witness, at: UTCTime)], quorum: QuorumState
  ) {
    self.checkpoint = checkpoint
    self.note = note
    self.logKey = logKey
    self.cosignatures = cosignatures
    self.quorum = quorum
  }
}

/// Why a checkpoint is not trusted.
package enum TrustError: Error, Hashable, Sendable, CustomStringConvertible {
  /// No log of the trust file signed it: another log's, or signed by another key.
  case notSignedByTrustedLog
  /// A trusted key's signature does not fit: the checkpoint was changed after signing, or the signature forged.
  case invalidSignature(KeyName)
  /// Signed by a trusted log under another log's name.
  case foreignOrigin(KeyName)
  case notACheckpoint(FormatError)

  package var description: String {
    switch self {
    case .notSignedByTrustedLog: "no log of the trust file signed the checkpoint"
    case .invalidSignature(let name): "the signature of \(name) does not fit the checkpoint"
    case .foreignOrigin(let name): "the checkpoint is of another log than \(name), which signed it"
    case .notACheckpoint(let error): error.description
    }
  }
}

extension TrustPolicy {
  /// Checks a checkpoint's signatures. A quorum that is not met is a result, not an error: the log's own word still stands.
  package func verify(_ note: SignedNote) throws(TrustError) -> TrustedCheckpoint {
    let verified: [VerifiedSignature]
    do throws(NoteError) {
      verified = try note.verify(with: logs.map(\.key) + witnesses.map(\.key))
    } catch .invalidSignature(let name) {
      throw .invalidSignature(name)
    } catch {
      throw .notSignedByTrustedLog
    }
    let logKeys = Set(logs.map(\.key))
    guard let logKey = verified.map(\.key).first(where: logKeys.contains) else { throw .notSignedByTrustedLog }
    let checkpoint: Checkpoint
    do throws(FormatError) {
      checkpoint = try Checkpoint(parsing: note.text)
    } catch {
      throw .notACheckpoint(error)
    }
    guard checkpoint.origin == logKey.name else { throw .foreignOrigin(logKey.name) }
    let cosignatures = verified.compactMap { signature -> (witness: Witness, at: UTCTime)? in
      guard let witness = witnesses.first(where: { $0.key == signature.key }), let time = signature.cosignedAt else { return nil }
      return (witness, UTCTime(seconds: Int64(clamping: time)))
    }
    let isMet = quorum.isMet(by: Set(cosignatures.map(\.witness.key)))
    return TrustedCheckpoint(
      checkpoint: checkpoint, note: note, logKey: logKey, cosignatures: cosignatures,
      quorum: quorum == .none ? .notRequired : isMet ? .met : .unmet)
  }
}

package import Cryptography

/// A log's side of the talk with one witness (C2SP tlog-witness): what to send, and what the answer means.
///
/// The witness is asked with the size that it saw last. Where that is not known, it says so itself (409), and is asked once more.
package struct WitnessConversation: Hashable, Sendable {
  package enum Outcome: Hashable, Sendable {
    /// To be added to the note. It was checked.
    case cosigned(SignedNote.Signature)
    /// Ask again: the witness has told what it saw last.
    case again
    /// The witness has seen a larger tree: another coordinator of the region was faster.
    case overtaken(by: Int)
    case refused(Refusal)
  }

  package enum Refusal: Hashable, Sendable {
    /// It saw another tree of the same size, or the log did not only grow: somebody signed two histories.
    case forked
    /// It does not follow this log.
    case unknownLog
    /// It does not take the log's signature: it has another key of it.
    case badSignature
    /// Its answer is no cosignature of this checkpoint.
    case unusable(status: Int)
  }

  package let witness: TrustPolicy.Witness
  /// The size that the witness saw last, as far as is known here.
  package private(set) var seenSize = 0
  /// Whether the last answer told ``seenSize``.
  private var isToldSize = false

  package init(_ witness: TrustPolicy.Witness) { self.witness = witness }

  /// The tiles from which ``request(for:size:tiles:)`` makes its proof.
  package func tilesNeeded(size: Int) -> [TileCoordinate] {
    ConsistencyProof.tilesNeeded(oldSize: min(seenSize, size), newSize: size)
  }

  /// - Parameter note: the checkpoint of `size`, with the log's signature alone.
  /// - Throws: ``FormatError`` where a tile is missing or too short.
  package func request(
    for note: SignedNote, size: Int, tiles: [TileCoordinate: [UInt8]]
  ) throws(FormatError) -> WitnessRequest {
    let old = min(seenSize, size)
    let proof = try ConsistencyProof(oldSize: old, newSize: size, tiles: tiles)
    return WitnessRequest(oldSize: old, proof: proof.hashes, checkpoint: note)
  }

  /// What an answer to ``request(for:size:tiles:)`` means.
  package mutating func answered(status: Int, body: [UInt8], on note: SignedNote, size: Int) -> Outcome {
    let wasTold = isToldSize
    isToldSize = false
    switch status {
    case 200:
      guard let signature = cosignature(in: body, on: note) else { return .refused(.unusable(status: status)) }
      seenSize = size
      return .cosigned(signature)
    case 409:
      var lines = LineReader(body)
      guard let seen = lines.next().flatMap({ Int(decimal: $0) }), lines.remaining.isEmpty else {
        return .refused(.unusable(status: status))
      }
      guard seen <= size else { return .overtaken(by: seen) }
      // It was asked from there, and takes the tree of that size for another.
      guard seen != min(seenSize, size) else { return .refused(.forked) }
      guard !wasTold else { return .refused(.unusable(status: status)) }
      seenSize = seen
      isToldSize = true
      return .again
    case 422: return .refused(.forked)
    case 404: return .refused(.unknownLog)
    case 403: return .refused(.badSignature)
    default: return .refused(.unusable(status: status))
    }
  }

  /// Of several lines, the one of the witness's key that fits.
  private func cosignature(in body: [UInt8], on note: SignedNote) -> SignedNote.Signature? {
    var lines = LineReader(body)
    while let line = lines.next() {
      guard let signature = SignedNote.Signature(line: line), signature.name == witness.key.name,
        signature.keyID == witness.key.id, witness.key.check(signature, text: note.text) != nil
      else { continue }
      return signature
    }
    return nil
  }
}

extension WitnessConversation.Refusal: CustomStringConvertible {
  package var description: String {
    switch self {
    case .forked: "it has seen another history of this log"
    case .unknownLog: "it does not follow this log: give it this region's trust file, unless it runs an older release"
    case .badSignature: "it knows this log by another key: give it this region's trust file"
    case .unusable(let status): "its answer, of status \(status), is no cosignature of the checkpoint"
    }
  }
}

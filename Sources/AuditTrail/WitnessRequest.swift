package import Cryptography

/// A log's request that a witness cosign a checkpoint: the body of `POST add-checkpoint` (C2SP tlog-witness).
package struct WitnessRequest: Hashable, Sendable {
  package static let hashCountMax = 63

  package let oldSize: Int
  package let proof: [SHA256Digest]
  package let checkpoint: SignedNote

  package init(oldSize: Int, proof: [SHA256Digest], checkpoint: SignedNote) {
    self.oldSize = oldSize
    self.proof = proof
    self.checkpoint = checkpoint
  }

  package var bytes: [UInt8] {
    let lines = ["old \(oldSize)"] + proof.map { Base64.encode($0.bytes) } + [""]
    return Array(lines.map { $0 + "\n" }.joined().utf8) + checkpoint.bytes
  }

  /// - Throws: ``FormatError``, for which the answer is ``WitnessAnswer/badRequest(_:)``.
  package init(parsing bytes: [UInt8]) throws(FormatError) {
    var lines = LineReader(bytes)
    guard let first = lines.next(), first.starts(withText: "old "), let oldSize = Int(decimal: first.dropFirst(4)) else {
      throw FormatError(.addCheckpoint, line: 1, "not 'old' and a size")
    }
    var proof: [SHA256Digest] = []
    while true {
      guard let line = lines.next() else { throw FormatError(.addCheckpoint, "no empty line after the proof") }
      if line.isEmpty { break }
      guard proof.count < Self.hashCountMax, let hash = Base64.decode(line).flatMap({ SHA256Digest($0) }) else {
        throw FormatError(.addCheckpoint, line: lines.lineNumber, "not a hash, or more than \(Self.hashCountMax)")
      }
      proof.append(hash)
    }
    self.init(oldSize: oldSize, proof: proof, checkpoint: try SignedNote(parsing: Array(lines.remaining)))
  }
}

/// What a witness answers. Only ``cosign(_:)`` lets it sign, and only after the head was made durable.
package enum WitnessAnswer: Hashable, Sendable {
  /// Make `head` the latest, durably; then ``WitnessState/record(_:)``, sign, and answer the signature line with 200.
  case cosign(WitnessState.Head)
  case badRequest(String)
  /// The checkpoint's origin is not one that this witness follows.
  case unknownOrigin
  /// No trusted key of the log signed it, or a signature fails.
  case badSignature
  /// The old size is not what was cosigned last. `isFork`: the log signed another root for the very size that was cosigned:
  /// two histories, to be kept as evidence.
  case conflict(latestSize: Int, isFork: Bool)
  /// The log did not grow by appending: evidence too.
  case inconsistent

  package var status: Int {
    switch self {
    case .cosign: 200
    case .badRequest: 400
    case .badSignature: 403
    case .unknownOrigin: 404
    case .conflict: 409
    case .inconsistent: 422
    }
  }

  package var contentType: String {
    if case .conflict = self { return "text/x.tlog.size" }
    return "text/plain; charset=utf-8"
  }

  /// For all but ``cosign(_:)``, whose body is the signature line.
  package var body: String {
    switch self {
    case .cosign: ""
    case .badRequest(let problem): "\(problem)\n"
    case .unknownOrigin: "this witness does not know the log\n"
    case .badSignature: "no valid signature of the log\n"
    case .conflict(let size, _): "\(size)\n"
    case .inconsistent: "the proof does not lead from the old checkpoint to the new one\n"
    }
  }
}

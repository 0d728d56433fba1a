package import Cryptography

/// What a witness remembers of the logs it follows, and the rule by which it cosigns (C2SP tlog-witness).
///
/// For each log: *nothing seen* → ``Head`` → larger ``Head`` → …; never back, never sideways. ``consider(_:)`` decides without
/// changing anything; ``record(_:)`` moves on once the caller has made the head durable. The caller lets no second request of
/// the same log in between.
package struct WitnessState: Hashable, Sendable {
  /// The checkpoint that was cosigned last.
  package struct Head: Hashable, Sendable {
    package let origin: KeyName
    package let size: Int
    package let root: SHA256Digest
    /// As it came: what the witness serves to those who ask what it saw.
    package let note: SignedNote
    /// The size that this head follows, for an atomic compare-and-set in the store. 0 for the first.
    package let previousSize: Int

    package init(origin: KeyName, size: Int, root: SHA256Digest, note: SignedNote, previousSize: Int) {
      self.origin = origin
      self.size = size
      self.root = root
      self.note = note
      self.previousSize = previousSize
    }
  }

  private let keys: [KeyName: [VerifierKey]]
  private var heads: [KeyName: Head]

  /// - Parameters:
  ///   - logs: the keys of the logs to follow; a key's name is its log's origin, and a log may have several.
  ///   - heads: what was cosigned before, from durable storage.
  package init(logs: [VerifierKey], heads: [Head] = []) {
    keys = Dictionary(grouping: logs.filter { $0.algorithm == .ed25519 }, by: \.name)
    self.heads = Dictionary(heads.map { ($0.origin, $0) }, uniquingKeysWith: { $0.size > $1.size ? $0 : $1 })
  }

  package func head(of origin: KeyName) -> Head? { heads[origin] }

  /// `GET /<hex sha256(origin)>/checkpoint`.
  package func head(originHash: String) -> Head? {
    heads.values.first { SHA256.digest(of: $0.origin.utf8).description == originHash }
  }

  package func consider(requestBody: [UInt8]) -> WitnessAnswer {
    do throws(FormatError) {
      return consider(try WitnessRequest(parsing: requestBody))
    } catch {
      return .badRequest(error.description)
    }
  }

  package func consider(_ request: WitnessRequest) -> WitnessAnswer {
    let checkpoint: Checkpoint
    do throws(FormatError) {
      checkpoint = try Checkpoint(parsing: request.checkpoint.text)
    } catch {
      return .badRequest(error.description)
    }
    guard let keys = keys[checkpoint.origin] else { return .unknownOrigin }
    do throws(NoteError) {
      _ = try request.checkpoint.verify(with: keys)
    } catch {
      return .badSignature
    }
    guard request.oldSize <= checkpoint.size else { return .badRequest("the old size is larger than the new one") }
    let latest = heads[checkpoint.origin]
    let latestSize = latest?.size ?? 0
    let latestRoot = latest?.root ?? MerkleTree.emptyRoot
    guard request.oldSize == latestSize else { return .conflict(latestSize: latestSize, isFork: false) }
    if checkpoint.size == latestSize, checkpoint.root != latestRoot {
      return .conflict(latestSize: latestSize, isFork: true)
    }
    let proof = ConsistencyProof(oldSize: latestSize, newSize: checkpoint.size, hashes: request.proof)
    guard proof.isValid(oldRoot: latestRoot, newRoot: checkpoint.root) else { return .inconsistent }
    return .cosign(
      Head(
        origin: checkpoint.origin, size: checkpoint.size, root: checkpoint.root, note: request.checkpoint,
        previousSize: latestSize))
  }

  /// Makes a durable head the latest.
  /// - Returns: `false`, and nothing changes, where another head was recorded since it was considered: do not sign.
  package mutating func record(_ head: Head) -> Bool {
    guard (heads[head.origin]?.size ?? 0) == head.previousSize, head.size >= head.previousSize else { return false }
    heads[head.origin] = head
    return true
  }
}

import AuditTrail
import Cryptography
import Foundation

/// A log that was read and verified, with the events that were asked for.
struct ReadLog: Sendable {
  let target: LogTarget
  let report: VerificationReport
  let leaves: [LogLeaf]
}

extension LogTarget {
  /// Reads the whole log and verifies it.
  /// - Parameters:
  ///   - remembered: a folder with checkpoints seen before; the new one is put there when it verifies.
  ///   - keep: which events to return.
  ///   - tap: sees every file that was read, in no order.
  func read(
    remembered: String? = nil, keeping keep: (AuditEvent) -> Bool = { _ in false },
    tap: (_ path: String, _ bytes: [UInt8]) throws -> Void = { _, _ in }
  ) async throws -> ReadLog {
    let memory = try remembered.map { try CheckpointMemory(folder: $0, trust: trust.policy) }
    let checkpoint = await source.fetch("checkpoint")
    if case .bytes(let bytes) = checkpoint { try tap("checkpoint", bytes) }
    var verifier = LogVerifier(checkpoint: checkpoint, trust: trust.policy, earlier: memory?.checkpoints ?? [])
    var progress = Progress("verifying \(name)", total: verifier.size)
    var leaves: [LogLeaf] = []
    var done = 0
    while !verifier.needed.isEmpty {
      let fetched = await source.fetch(verifier.needed)
      for part in fetched { if case .bytes(let bytes) = part.fetched { try tap(part.path, bytes) } }
      done += fetched.reduce(0) { $0 + ($1.at.kind == .entries ? $1.at.width : 0) }
      let received = verifier.receive(Dictionary(fetched.map { ($0.at, $0.fetched) }, uniquingKeysWith: { $1 }))
      leaves += received.filter { keep($0.event) }
      progress.update(done)
    }
    progress.end()
    let report = verifier.finish()
    if report.exit == .verified, let note = report.checkpoint?.note { try memory?.remember(note) }
    return ReadLog(target: self, report: report, leaves: leaves)
  }
}

/// Checkpoints that an auditor keeps from one verification to the next, so that a log cannot take anything back.
struct CheckpointMemory {
  private let folder: String
  let checkpoints: [Checkpoint]

  /// - Throws: ``AuditFailure`` where a kept checkpoint cannot be read. One that the trust file does not vouch for is passed
  ///   over: it is of another log.
  init(folder: String, trust: TrustPolicy) throws(AuditFailure) {
    self.folder = folder
    let names: [String]
    do {
      names = FileManager.default.fileExists(atPath: folder) ? try FileManager.default.contentsOfDirectory(atPath: folder) : []
    } catch {
      throw AuditFailure(.usage, "\(folder): cannot be read")
    }
    var checkpoints: [Checkpoint] = []
    for name in names.sorted() where name.hasSuffix(".checkpoint") {
      let bytes = try readFile("\(folder)/\(name)", .usage)
      do {
        checkpoints.append(try trust.verify(try SignedNote(parsing: bytes)).checkpoint)
      } catch TrustError.notSignedByTrustedLog {
        continue
      } catch {
        throw AuditFailure(.usage, "\(folder)/\(name): \(error)")
      }
    }
    self.checkpoints = checkpoints
  }

  func remember(_ note: SignedNote) throws {
    let checkpoint = try Checkpoint(parsing: note.text)
    let name = MerkleTree.leafHash(checkpoint.origin.utf8).description.prefix(16)
    try writeFile(note.bytes, "\(folder)/\(name)-\(checkpoint.size).checkpoint")
  }
}

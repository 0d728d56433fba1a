import ArgumentParser
import AuditTrail
import Foundation

/// Writes the events that a question found so that each can be handed on by itself: the leaf, and the proof that it is in the log.
struct EventProofs: ParsableArguments {
  @Option(
    name: .customLong("with-proof"),
    help: ArgumentHelp(
      "Write each event's leaf, and the proof that it is in the log, into this folder: for 'domicile-audit check', offline.",
      valueName: "dir"))
  var folder: String?

  /// - Returns: the log with the indexes of the events that were written, and what is wrong with those that could not be proven.
  func write(_ log: ReadLog) async throws -> ReadLog {
    guard let folder, let trusted = log.report.checkpoint, !log.leaves.isEmpty else { return log }
    let size = trusted.checkpoint.size
    var findings = FindingList()
    var proven: Set<Int> = []
    let named = Set(log.report.findings.compactMap(\.index))
    let leaves = Dictionary(log.leaves.map { ($0.index, $0) }, uniquingKeysWith: { first, _ in first })
    let progress = Progress("proving events of \(log.target.name)", total: leaves.count)
    try await log.target.source.readBundles(of: leaves.keys.sorted(), treeSize: size, progress) { bundle, indexes in
      indexes.compactMap { leaves[$0] }.map { ($0, Self.proof(of: $0, in: bundle, trusted)) }
    } then: { part in
      for (leaf, proof) in part {
        switch proof {
        case .success(let found):
          let name = "\(folder)/\(Self.name(of: leaf, in: log))"
          try writeFile(found.leaf, "\(name).leaf", durably: false)
          try writeFile(found.proof.bytes, "\(name).tlog-proof", durably: false)
          proven.insert(leaf.index)
        case .failure(let problem): if !named.contains(leaf.index) { findings.add(problem.finding) }
        }
      }
    }
    return ReadLog(
      target: log.target, report: log.report.adding(findings.kept, leftOut: findings.leftOutCount), leaves: log.leaves,
      transfers: log.transfers, proven: proven)
  }

  private struct Problem: Error { let finding: Finding }

  private static func proof(
    of leaf: LogLeaf, in bundle: LeafBundle, _ trusted: TrustedCheckpoint
  ) -> Result<(leaf: [UInt8], proof: TransparencyProof), Problem> {
    do throws(FormatError) {
      let (bytes, path) = try bundle.proof(of: leaf.index, treeSize: trusted.checkpoint.size)
      let proof = TransparencyProof(index: leaf.index, hashes: path.hashes, checkpoint: trusted.note)
      guard try proof.isValid(leafHash: MerkleTree.leafHash(bytes)), MerkleTree.leafHash(bytes) == leaf.hash else {
        return .failure(Problem(finding: .leafUnproven(index: leaf.index)))
      }
      return .success((bytes, proof))
    } catch {
      return .failure(Problem(finding: .leavesMissing(leaf.index..<leaf.index + 1)))
    }
  }

  /// Without an ending. Of a log's own name only what any file system takes.
  static func name(of leaf: LogLeaf, in log: ReadLog) -> String {
    let origin = log.report.checkpoint.map { "\($0.checkpoint.origin)" } ?? log.target.name
    let plain = origin.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == ".") ? $0 : "_" }
    return "\(String(plain))-\(leaf.index)"
  }
}

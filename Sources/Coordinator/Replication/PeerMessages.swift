import Cryptography
import Directory
import DomicileAPI
import Foundation
import Residency

extension Domicile_Peer_V1_Position {
  init(_ log: LogID, _ head: AppliedHead) {
    self.init(LogPosition(log: log, seq: head.seq))
    chain = Data(head.chain.bytes)
  }

  init(_ cut: LogCut) {
    self.init(cut.first)
    chain = Data(cut.chain.bytes)
  }

  init(_ position: LogPosition) {
    self.init()
    origin = UInt32(position.origin.rawValue)
    incarnation = position.incarnation.rawValue
    seq = position.seq
  }

  init(_ log: LogID) { self.init(LogPosition(log: log, seq: 0)) }
}

extension LogPosition {
  /// - Returns: `nil` where the message names no region.
  init?(_ message: Domicile_Peer_V1_Position) {
    guard let log = LogID(message) else { return nil }
    self.init(log: log, seq: message.seq)
  }
}

extension LogID {
  /// - Returns: `nil` where the message names no region.
  init?(_ message: Domicile_Peer_V1_Position) {
    guard let origin = RegionOrdinal(Int(message.origin)) else { return nil }
    self.init(origin: origin, incarnation: Incarnation(message.incarnation))
  }
}

extension LogCut {
  /// - Returns: `nil` where the message is not of the form of a cut.
  init?(_ message: Domicile_Peer_V1_Position) {
    guard let first = LogPosition(message), let chain = ChainHash(message.chain), first.seq > 0 else { return nil }
    self.init(first: first, chain: chain)
  }
}

extension [LogID: AppliedHead] {
  /// What is not of the form of a position is left out.
  init(_ messages: [Domicile_Peer_V1_Position]) {
    let heads = messages.compactMap { message -> (LogID, AppliedHead)? in
      guard let log = LogID(message), let chain = ChainHash(message.chain) else { return nil }
      return (log, AppliedHead(seq: message.seq, chain: chain))
    }
    self.init(heads, uniquingKeysWith: { first, _ in first })
  }
}

extension VersionVector {
  init(_ messages: [Domicile_Peer_V1_Position]) {
    self.init(Dictionary(messages.compactMap(LogPosition.init).map { ($0.log, $0.seq) }, uniquingKeysWith: Swift.max))
  }
}

extension Domicile_Peer_V1_PullResponse {
  init(_ batch: LogBatch) {
    self.init()
    origin = UInt32(batch.origin.rawValue)
    incarnation = batch.incarnation.rawValue
    first = batch.first
    last = batch.last
    previousChain = Data(batch.previousChain.bytes)
    entries = batch.entries.map { Data($0) }
    crc = batch.crc
  }
}

extension LogBatch {
  /// - Returns: `nil` where the answer is not of the form of a batch.
  init?(_ message: Domicile_Peer_V1_PullResponse) {
    guard let origin = RegionOrdinal(Int(message.origin)), let chain = ChainHash([UInt8](message.previousChain)) else {
      return nil
    }
    self.init(
      origin: origin, incarnation: Incarnation(message.incarnation), first: message.first, last: message.last,
      previousChain: chain, entries: message.entries.map { [UInt8]($0) }, crc: message.crc)
  }
}

extension Domicile_Peer_V1_SnapshotResponse {
  init(_ page: SnapshotPage) {
    self.init()
    basis = Data(page.basis.encoded)
    after = Data(page.after?.bytes ?? [])
    through = Data(page.through?.bytes ?? [])
    placements = page.facts.map { Data($0.encoded) }
    documents = page.documents.map { Data($0.encoded) }
  }
}

extension [DocumentFact] {
  /// - Throws: ``DirectoryFormatError`` where one of them is not of the form of a version.
  init(_ messages: [Data]) throws { self = try messages.map { try DocumentFact(decoding: [UInt8]($0), digest: SHA256.hash) } }
}

extension SnapshotPage {
  /// - Returns: `nil` where the answer is not of the form of a page.
  init?(_ message: Domicile_Peer_V1_SnapshotResponse) {
    let ends = [message.after, message.through].map { $0.isEmpty ? nil : SubjectTag([UInt8]($0)) }
    guard message.after.isEmpty == (ends[0] == nil), message.through.isEmpty == (ends[1] == nil),
      let basis = try? SnapshotBasis(decoding: [UInt8](message.basis)),
      let facts = try? message.placements.map({ try Placement(decoding: [UInt8]($0)) }),
      let documents = try? [DocumentFact](message.documents)
    else { return nil }
    self.init(basis: basis, after: ends[0], through: ends[1], facts: facts, documents: documents)
  }
}

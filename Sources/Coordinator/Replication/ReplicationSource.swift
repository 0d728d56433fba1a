import ConnectRPC
import Cryptography
import Directory
import DomicileAPI
import Foundation
import PolicyEngine
import RegionStore
import Residency
import SwiftProtobuf

/// This region's side of the directory's replication: what it tells a peer that asks.
struct ReplicationSource: Sendable {
  let store: RegionStore
  let region: RegionContext
  let policies: PolicyHolder
  let contacts: PeerContacts
  let checkpoints: CheckpointHolder

  func hello(
    _ request: Domicile_Peer_V1_HelloRequest, from peer: RegionDescriptor
  ) async throws -> Domicile_Peer_V1_HelloResponse {
    contacts.update(peer.ordinal) {
      $0.policyRevision = request.policyRevision
      $0.checkpointSize = request.checkpointSize
    }
    let heads = try await reading { () async throws(StoreError) in try await store.appliedHeads() }
    let own = heads.keys.first { $0.origin == region.descriptor.ordinal }
    return .with {
      $0.catalogRevision = Data(region.catalog.revisionHash)
      $0.applied = heads.map { Domicile_Peer_V1_Position($0.key, $0.value) }
      $0.policyRevision = policies.current.revision
      $0.checkpointSize = checkpoints.size
      $0.incarnation = own?.incarnation.rawValue ?? 0
    }
  }

  /// An empty answer means that this region holds nothing from there on.
  func pull(_ request: Domicile_Peer_V1_PullRequest) async throws -> Domicile_Peer_V1_PullResponse {
    guard let origin = RegionOrdinal(Int(request.origin)), request.from > 0 else {
      throw Refusal(.invalidArgument, .invalidArgument, "A pull names an origin and a first position.").connectError
    }
    let log = LogID(origin: origin, incarnation: Incarnation(request.incarnation))
    let count = min(max(Int(request.entriesMax), 1), LogBatch.entriesMax)
    let batch = try await reading { () async throws(StoreError) in
      try await store.logBatch(of: log, from: request.from, entriesMax: count)
    }
    guard let batch else { return Domicile_Peer_V1_PullResponse() }
    return Domicile_Peer_V1_PullResponse(batch)
  }

  func acknowledge(
    _ request: Domicile_Peer_V1_AcknowledgeRequest, from peer: RegionDescriptor
  ) async throws -> Domicile_Peer_V1_AcknowledgeResponse {
    let positions = request.applied.compactMap(LogPosition.init)
    try await reading { () async throws(StoreError) in try await store.acknowledge(positions, by: peer.ordinal) }
    return Domicile_Peer_V1_AcknowledgeResponse()
  }

  private func reading<R: Sendable>(_ body: () async throws(StoreError) -> R) async throws -> R {
    do { return try await body() } catch { throw Refusal(error, region: region.descriptor.id.rawValue).connectError }
  }
}

extension RegionCatalog {
  /// Regions that work from the same catalog have the same.
  var revisionHash: [UInt8] { SHA256.hash(Array(revisionText.utf8)) }
}

extension Domicile_Peer_V1_Position {
  init(_ log: LogID, _ head: AppliedHead) {
    self.init()
    origin = UInt32(log.origin.rawValue)
    incarnation = log.incarnation.rawValue
    seq = head.seq
    chain = Data(head.chain.bytes)
  }

  init(_ position: LogPosition) {
    self.init()
    origin = UInt32(position.origin.rawValue)
    incarnation = position.incarnation.rawValue
    seq = position.seq
  }
}

extension LogPosition {
  /// - Returns: `nil` where the message names no region.
  init?(_ message: Domicile_Peer_V1_Position) {
    guard let origin = RegionOrdinal(Int(message.origin)) else { return nil }
    self.init(origin: origin, incarnation: Incarnation(message.incarnation), seq: message.seq)
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

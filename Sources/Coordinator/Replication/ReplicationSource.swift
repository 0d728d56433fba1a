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
    let cuts = Set(request.cuts.compactMap(LogCut.init))
    let positions = request.applied.compactMap(LogPosition.init).sorted()
    let standing = try await reading { () async throws(StoreError) in
      if contacts[peer.ordinal]?.holds != positions {
        try await store.acknowledge(positions, by: peer.ordinal, isWhole: true)
        contacts.update(peer.ordinal) { $0.holds = positions }
      }
      var standing = try await store.directoryStanding()
      if !cuts.isSubset(of: standing.cuts) {
        try await store.note(cuts.subtracting(standing.cuts))
        standing = try await store.directoryStanding()
      }
      return standing
    }
    return .with {
      $0.catalogRevision = Data(region.catalog.revisionHash)
      $0.applied = standing.heads.map { Domicile_Peer_V1_Position($0.key, $0.value) }
      $0.policyRevision = policies.current.revision
      $0.checkpointSize = checkpoints.size
      $0.incarnation = standing.own.incarnation.rawValue
      $0.cuts = standing.cuts.map { Domicile_Peer_V1_Position($0) }
      $0.misled = standing.misled.map { Domicile_Peer_V1_Position($0) }
    }
  }

  /// An empty answer means that this region holds nothing from there on.
  func pull(_ request: Domicile_Peer_V1_PullRequest) async throws -> Domicile_Peer_V1_PullResponse {
    guard request.from > 0 else { throw Self.malformed("A pull names an origin and a first position.") }
    let log = try Self.log(request.origin, request.incarnation)
    let count = min(max(Int(request.entriesMax), 1), LogBatch.entriesMax)
    let answer = try await reading { () async throws(StoreError) in
      try await store.logBatch(of: log, from: request.from, entriesMax: count)
    }
    switch answer {
    case .batch(let batch): return Domicile_Peer_V1_PullResponse(batch)
    case .nothing: return Domicile_Peer_V1_PullResponse()
    case .trimmed: return .with { $0.trimmed = true }
    }
  }

  func snapshot(_ request: Domicile_Peer_V1_SnapshotRequest) async throws -> Domicile_Peer_V1_SnapshotResponse {
    let after = SubjectTag([UInt8](request.after))
    guard request.after.isEmpty || after != nil else { throw Self.malformed("A snapshot goes on after a tag of 16 bytes.") }
    let page = try await reading { () async throws(StoreError) in
      try await store.snapshotPage(SnapshotRequest(after: after, tagsMax: Int(request.tagsMax)))
    }
    guard let page else {
      throw Refusal(
        .unavailable, .historyLost,
        "\(region.descriptor.id) holds a branch of a log that does not count, and gives no snapshots until it has put that right."
      ).connectError
    }
    return Domicile_Peer_V1_SnapshotResponse(page)
  }

  func chains(_ request: Domicile_Peer_V1_GetChainsRequest) async throws -> Domicile_Peer_V1_GetChainsResponse {
    let log = try Self.log(request.origin, request.incarnation)
    guard request.at.count <= ForkSearch.probesMax else { throw Self.malformed("At most 32 chains are asked for at once.") }
    let (extent, chains) = try await reading { () async throws(StoreError) in try await store.chains(of: log, at: request.at) }
    return .with {
      $0.start = extent.start
      $0.end = extent.end
      $0.chains = chains.map { Domicile_Peer_V1_Position(log, AppliedHead(seq: $0.key, chain: $0.value)) }
    }
  }

  func compare(_ request: Domicile_Peer_V1_CompareRequest) async throws -> Domicile_Peer_V1_CompareResponse {
    guard request.prefix.count < SubjectTag.byteCount else { throw Self.malformed("A prefix is shorter than a tag.") }
    let (standing, sums) = try await reading { () async throws(StoreError) in
      try await store.digest(under: [UInt8](request.prefix))
    }
    return .with {
      $0.applied = standing.heads.map { Domicile_Peer_V1_Position($0.key, $0.value) }
      $0.reached = standing.floors.reached.positions.map { Domicile_Peer_V1_Position($0) }
      $0.sums = sums.map { sum in
        .with {
          $0.xor = sum.xor
          $0.count = sum.count
        }
      }
    }
  }

  func lookUp(_ request: Domicile_Peer_V1_LookUpRequest) async throws -> Domicile_Peer_V1_LookUpResponse {
    let tags = request.tags.compactMap { SubjectTag([UInt8]($0)) }
    guard tags.count == request.tags.count, tags.count <= Self.tagsMax, request.prefix.count < SubjectTag.byteCount,
      request.prefix.isEmpty || tags.isEmpty
    else { throw Self.malformed("A look-up names up to 1,024 tags of 16 bytes, or the first bytes of them all.") }
    if !tags.isEmpty, !request.linearizable {
      // Most of what is asked for nobody knows.
      let known = try await reading { () async throws(StoreError) in try await store.placements(of: tags) }
      if known.isEmpty { return Domicile_Peer_V1_LookUpResponse() }
    }
    let answer = try await reading { () async throws(StoreError) in
      tags.isEmpty ? try await store.facts(under: [UInt8](request.prefix)) : try await store.facts(of: tags)
    }
    if request.linearizable { try await reading { () async throws(StoreError) in try await store.barrier() } }
    guard let answer else {
      throw Refusal(
        .outOfRange, .invalidArgument, "More begins like that than one answer holds: ask for longer beginnings."
      )
      .connectError
    }
    return .with {
      $0.applied = answer.standing.heads.map { Domicile_Peer_V1_Position($0.key, $0.value) }
      $0.reached = answer.standing.floors.reached.positions.map { Domicile_Peer_V1_Position($0) }
      $0.placements = answer.placements.map { Data($0.encoded) }
      $0.documents = answer.documents.map { Data($0.encoded) }
    }
  }

  static let tagsMax = 1_024

  private static func log(_ origin: UInt32, _ incarnation: UInt32) throws -> LogID {
    guard let origin = RegionOrdinal(Int(origin)) else { throw malformed("A log has the ordinal of a region.") }
    return LogID(origin: origin, incarnation: Incarnation(incarnation))
  }

  private static func malformed(_ message: String) -> ConnectError {
    Refusal(.invalidArgument, .invalidArgument, message).connectError
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

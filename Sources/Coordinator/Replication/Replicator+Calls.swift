import ConnectRPC
import Directory
import DomicileAPI
import Foundation
import Logging
import PolicyEngine
import RegionStore
import Residency
import SwiftProtobuf

/// What a replicator asks its peer, and what it makes of the answers.
extension Replicator {
  func hello() async -> PullDriver.Event {
    guard let before = await standing() else { return .failed(.storeUnavailable) }
    let request = Domicile_Peer_V1_HelloRequest.with {
      $0.catalogRevision = Data(source.region.catalog.revisionHash)
      $0.applied = before.heads.map { Domicile_Peer_V1_Position($0.key, $0.value) }
      $0.cuts = before.cuts.map { Domicile_Peer_V1_Position($0) }
      $0.policyRevision = source.policies.current.revision
      $0.checkpointSize = source.checkpoints.size
    }
    let response: Domicile_Peer_V1_HelloResponse
    do {
      response = try await client.call(Forwarder.service, "Hello", request, timeout: Self.callTimeout)
    } catch {
      return .failed(PeerFailure(error))
    }
    source.contacts.update(peer.ordinal) {
      $0.lastHeard = .now
      $0.policyRevision = response.policyRevision
      $0.checkpointSize = response.checkpointSize
    }
    let theirs = [LogID: AppliedHead](response.applied)
    do {
      try await source.store.note(Set(response.cuts.compactMap(LogCut.init)).subtracting(before.cuts))
      let after = try await source.store.directoryStanding()
      let forks = try await source.store.forks(with: theirs)
      let hello = PeerHello(
        region: peer.ordinal, incarnation: Incarnation(response.incarnation),
        catalogRevision: CatalogRevision(number: 0, hash: [UInt8](response.catalogRevision).hex),
        vector: VersionVector(theirs.mapValues(\.seq)), misled: Set(response.misled.compactMap(LogID.init)))
      return .helloAnswered(hello, local: after.vector, logs: LogComparison(forks: forks, misled: after.misled))
    } catch {
      return .failed(.storeUnavailable)
    }
  }

  func pull(_ request: PullRequest) async -> PullDriver.Event {
    let message = Domicile_Peer_V1_PullRequest.with {
      $0.origin = UInt32(request.log.origin.rawValue)
      $0.incarnation = request.log.incarnation.rawValue
      $0.from = request.from
      $0.entriesMax = UInt32(request.entriesMax)
    }
    do {
      let response: Domicile_Peer_V1_PullResponse = try await client.call(
        Forwarder.service, "Pull", message, timeout: Self.callTimeout)
      guard !response.trimmed else { return .trimmed }
      guard !response.entries.isEmpty else { return .nothingToPull }
      guard let batch = LogBatch(response) else { return .failed(.protocolViolation) }
      count(batch)
      return .batchReceived(batch)
    } catch {
      return .failed(PeerFailure(error))
    }
  }

  /// What came in is part of the region's figures.
  nonisolated func count(_ batch: LogBatch) {
    source.contacts.update(peer.ordinal) {
      $0.receivedBytes += batch.entries.reduce(0) { $0 + $1.count }
      $0.receivedEntries += batch.entries.count
    }
  }

  func apply(_ batch: LogBatch, _ prepared: PreparedBatch?) async -> PullDriver.Event {
    do {
      let outcome = try await source.store.apply(batch, prepared)
      if case .applied(let position) = outcome { await exchange.advanced(position, except: peer.ordinal) }
      return .applied(outcome)
    } catch {
      logger.warning("a batch was not applied", metadata: ["error": "\(error)"])
      return .failed(.storeUnavailable)
    }
  }

  func pullSnapshot(_ request: SnapshotRequest) async -> PullDriver.Event {
    let message = Domicile_Peer_V1_SnapshotRequest.with {
      $0.after = Data(request.after?.bytes ?? [])
      $0.tagsMax = UInt32(request.tagsMax)
    }
    do {
      let response: Domicile_Peer_V1_SnapshotResponse = try await client.call(
        Forwarder.service, "Snapshot", message, timeout: Self.callTimeout)
      guard let page = SnapshotPage(response) else { return .failed(.protocolViolation) }
      source.contacts.update(peer.ordinal) { $0.receivedBytes += response.placements.reduce(0) { $0 + $1.count } }
      return .pageReceived(page)
    } catch {
      return .failed(PeerFailure(error))
    }
  }

  func store(_ page: SnapshotPage, _ basis: SnapshotBasis) async -> PullDriver.Event {
    do {
      return try await source.store.store(page, basis: basis, from: peer.ordinal) ? .pageStored : .pageRefused
    } catch {
      logger.warning("a page of a snapshot was not stored", metadata: ["error": "\(error)"])
      return .failed(.storeUnavailable)
    }
  }

  func adopt(_ basis: SnapshotBasis) async -> PullDriver.Event {
    do {
      guard let vector = try await source.store.adopt(basis, from: peer.ordinal) else { return .pageRefused }
      for position in vector.positions { await exchange.advanced(position, except: peer.ordinal) }
      return .adopted(local: vector)
    } catch {
      return .failed(.storeUnavailable)
    }
  }

  func restartHistory(after last: Incarnation) async -> PullDriver.Event {
    do {
      let own = try await source.store.restartHistory(after: last)
      await exchange.tell(.restarted(own: own), except: peer.ordinal)
      return .restarted(own: own)
    } catch {
      return .failed(.storeUnavailable)
    }
  }

  func compareChains(of log: LogID, at places: [UInt64]) async -> PullDriver.Event {
    let message = Domicile_Peer_V1_GetChainsRequest.with {
      $0.origin = UInt32(log.origin.rawValue)
      $0.incarnation = log.incarnation.rawValue
      $0.at = places
    }
    do {
      let response: Domicile_Peer_V1_GetChainsResponse = try await client.call(
        Forwarder.service, "GetChains", message, timeout: Self.callTimeout)
      let theirs = response.chains.compactMap { chain in ChainHash(chain.chain).map { (chain.seq, $0) } }
      let own = try await source.store.chains(of: log, at: places)
      return .chainsCompared(
        ChainComparison(
          own: own.extent, theirs: .init(start: response.start, end: max(response.start, response.end)),
          ownChains: own.chains, theirChains: Dictionary(theirs, uniquingKeysWith: { first, _ in first })))
    } catch let error as ConnectError {
      return .failed(PeerFailure(error))
    } catch {
      return .failed(.storeUnavailable)
    }
  }

  func cutBack(keeping end: LogPosition) async -> PullDriver.Event {
    do {
      let (end, own) = try await source.store.cutBack(keeping: end)
      if let own { await exchange.appended(own) }
      return .cutBack(end)
    } catch {
      logger.error("this region's log was not put in order", metadata: ["error": "\(error)"])
      return .failed(.storeUnavailable)
    }
  }
}

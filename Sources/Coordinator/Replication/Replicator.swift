import ConnectRPC
import Directory
import DomicileAPI
import Foundation
import Logging
import PolicyEngine
import RegionStore
import Residency
import SwiftProtobuf

/// Runs the actions of one peer's ``PullDriver``: calls the peer, applies what it sends, tells it how far this region has come.
///
/// The driver decides; this only carries out. One action is under way at a time.
actor Replicator {
  private let peer: RegionDescriptor
  private let client: ConnectClient
  private let source: ReplicationSource
  private let logger: Logger
  private let onAdvance: @Sendable (LogPosition) -> Void
  private let start = ContinuousClock.now
  private var driver: PullDriver?
  private var timer: Task<Void, Never>?
  private var isStopping = false
  private var isAcknowledging = false
  private var pending: [PullDriver.Event] = []
  private var waiter: CheckedContinuation<Void, Never>?

  /// After which a silent peer counts as unreachable.
  private static let callTimeout = Duration.seconds(5)

  init(
    peer: RegionDescriptor, client: ConnectClient, source: ReplicationSource, logger: Logger,
    onAdvance: @escaping @Sendable (LogPosition) -> Void
  ) {
    self.peer = peer
    self.client = client
    self.source = source
    self.onAdvance = onAdvance
    var logger = logger
    logger[metadataKey: "peer"] = "\(peer.id)"
    self.logger = logger
  }

  /// Until ``stop()``.
  func run() async {
    guard let heads = await firstHeads(), let own = heads.keys.filter({ $0.origin == source.region.descriptor.ordinal }).max()
    else { return }
    let revision = CatalogRevision(number: 0, hash: source.region.catalog.revisionHash.hex)
    driver = PullDriver(own: own, peer: peer.ordinal, catalogRevision: revision)
    post(.started(local: Self.vector(heads)))
    while !isStopping {
      while !pending.isEmpty, !isStopping { await handle(pending.removeFirst()) }
      guard !isStopping else { break }
      await withCheckedContinuation { waiter = $0 }
    }
    timer?.cancel()
  }

  func stop() {
    isStopping = true
    wake()
  }

  /// Something happened: the peer rang, or another log moved.
  func post(_ event: PullDriver.Event) {
    // While a call is under way only the newest of each kind is kept: the queue stays as short as there are logs.
    switch event {
    case .localAdvanced(let position):
      let isBehind = pending.contains {
        if case .localAdvanced(let other) = $0 { other.log == position.log && other.seq > position.seq } else { false }
      }
      guard !isBehind else { return }
      pending.removeAll { if case .localAdvanced(let older) = $0 { older.log == position.log } else { false } }
    case .doorbell, .tick:
      pending.removeAll { $0.isSameKind(as: event) }
    default: break
    }
    pending.append(event)
    wake()
  }

  private func wake() {
    waiter?.resume()
    waiter = nil
  }

  private func handle(_ event: PullDriver.Event) async {
    let actions = driver?.receive(event, now: start.duration(to: .now)) ?? []
    for action in actions { await perform(action) }
  }

  private func perform(_ action: PullDriver.Action) async {
    switch action {
    case .sendHello: pending.append(await hello())
    case .pull(let request): pending.append(await pull(request))
    case .apply(let batch): pending.append(await apply(batch))
    case .acknowledge(let position): acknowledge(position)
    case .schedule(let delay): schedule(after: delay)
    case .report(let report): note(report)
    }
  }

  private func hello() async -> PullDriver.Event {
    guard let before = await localHeads() else { return .failed(.storeUnavailable) }
    let request = Domicile_Peer_V1_HelloRequest.with {
      $0.catalogRevision = Data(source.region.catalog.revisionHash)
      $0.applied = before.map { Domicile_Peer_V1_Position($0.key, $0.value) }
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
    guard let after = await localHeads() else { return .failed(.storeUnavailable) }
    let positions = response.applied.compactMap(LogPosition.init)
    let hello = PeerHello(
      region: peer.ordinal, incarnation: Incarnation(response.incarnation),
      catalogRevision: CatalogRevision(number: 0, hash: [UInt8](response.catalogRevision).hex),
      vector: VersionVector(Dictionary(positions.map { ($0.log, $0.seq) }, uniquingKeysWith: max)))
    return .helloAnswered(hello, local: Self.vector(after))
  }

  private func pull(_ request: PullRequest) async -> PullDriver.Event {
    let message = Domicile_Peer_V1_PullRequest.with {
      $0.origin = UInt32(request.log.origin.rawValue)
      $0.incarnation = request.log.incarnation.rawValue
      $0.from = request.from
      $0.entriesMax = UInt32(request.entriesMax)
    }
    do {
      let response: Domicile_Peer_V1_PullResponse = try await client.call(
        Forwarder.service, "Pull", message, timeout: Self.callTimeout)
      guard !response.entries.isEmpty else { return .nothingToPull }
      guard let batch = LogBatch(response) else { return .failed(.protocolViolation) }
      return .batchReceived(batch)
    } catch {
      return .failed(PeerFailure(error))
    }
  }

  private func apply(_ batch: LogBatch) async -> PullDriver.Event {
    do {
      let outcome = try await source.store.apply(batch).outcome(of: batch)
      if case .applied(let position) = outcome { onAdvance(position) }
      return .applied(outcome)
    } catch {
      logger.warning("a batch was not applied", metadata: ["error": "\(error)"])
      return .failed(.storeUnavailable)
    }
  }

  /// Not waited for, and one at a time: the next hello says the same.
  private func acknowledge(_ position: LogPosition) {
    guard !isAcknowledging else { return }
    isAcknowledging = true
    Task {
      let request = Domicile_Peer_V1_AcknowledgeRequest.with { $0.applied = [.init(position)] }
      do {
        let _: Domicile_Peer_V1_AcknowledgeResponse = try await client.call(
          Forwarder.service, "Acknowledge", request, timeout: Self.callTimeout)
      } catch {
        logger.debug("an acknowledgement was not taken", metadata: ["error": "\(error)"])
      }
      isAcknowledging = false
    }
  }

  private func schedule(after delay: Duration) {
    timer?.cancel()
    timer = Task {
      do { try await Task.sleep(for: delay) } catch { return }
      post(.tick)
    }
  }

  private func note(_ report: PeerReport) {
    switch report {
    case .health(let health): source.contacts.update(peer.ordinal) { $0.health = health }
    case .fenced(let log, let reason):
      logger.error("a peer's log is not what it was: nothing more is taken", metadata: ["log": "\(log)", "why": "\(reason)"])
    case .ownHistoryLost(let log, let held, let peerHolds):
      logger.critical(
        "a peer holds more of this region's log than this region: it was restored from a backup",
        metadata: ["log": "\(log)", "held": "\(held)", "peer": "\(peerHolds)"])
    case .needsSnapshot(let log, let from):
      logger.error("a peer no longer has the entries that are missing here", metadata: ["log": "\(log)", "from": "\(from)"])
    }
  }

  /// The store may be down when the coordinator starts: it is asked each second until it answers or the coordinator stops.
  private func firstHeads() async -> [LogID: AppliedHead]? {
    while !isStopping {
      if let heads = await localHeads() { return heads }
      do { try await Task.sleep(for: .seconds(1)) } catch { return nil }
    }
    return nil
  }

  private func localHeads() async -> [LogID: AppliedHead]? {
    do { return try await source.store.appliedHeads() } catch { return nil }
  }

  private static func vector(_ heads: [LogID: AppliedHead]) -> VersionVector {
    VersionVector(heads.mapValues(\.seq))
  }
}

extension PullDriver.Event {
  fileprivate func isSameKind(as other: PullDriver.Event) -> Bool {
    switch (self, other) {
    case (.doorbell, .doorbell), (.tick, .tick): true
    default: false
    }
  }
}

extension PeerFailure {
  fileprivate init(_ error: ConnectError) {
    switch error.code {
    case .deadlineExceeded: self = .timedOut
    case .unavailable where error.isWithoutAnswer: self = .unreachable
    default: self = .refused
    }
  }
}

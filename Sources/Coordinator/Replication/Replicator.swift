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
  let peer: RegionDescriptor
  let client: ConnectClient
  let source: ReplicationSource
  let logger: Logger
  let exchange: ReplicationExchange
  private let start = ContinuousClock.now
  private var driver: PullDriver?
  private var timer: Task<Void, Never>?
  private var isStopping = false
  private var isAcknowledging = false
  /// The batch behind the one that is being applied, asked for meanwhile.
  private var ahead: (request: PullRequest, answer: Task<Ahead, Never>)?
  private var prepared: PreparedBatch?

  private struct Ahead: Sendable {
    let event: PullDriver.Event
    let prepared: PreparedBatch?
  }
  private var pending: [PullDriver.Event] = []
  private var waiter: CheckedContinuation<Void, Never>?

  /// Of a batch. The directory is locked while one is written, for some tens of milliseconds.
  private static let entriesMax = LogBatch.entriesMax
  /// After which a silent peer counts as unreachable.
  static let callTimeout = Duration.seconds(5)

  init(
    peer: RegionDescriptor, client: ConnectClient, source: ReplicationSource, exchange: ReplicationExchange, logger: Logger
  ) {
    self.peer = peer
    self.client = client
    self.source = source
    self.exchange = exchange
    var logger = logger
    logger[metadataKey: "peer"] = "\(peer.id)"
    self.logger = logger
  }

  /// Until ``stop()``.
  func run() async {
    guard let standing = await firstStanding() else { return }
    let revision = CatalogRevision(number: 0, hash: source.region.catalog.revisionHash.hex)
    var configuration = PullDriver.Configuration()
    configuration.entriesMax = Self.entriesMax
    driver = PullDriver(own: standing.own, peer: peer.ordinal, catalogRevision: revision, configuration: configuration)
    post(.started(local: standing.vector))
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
    case .doorbell:
      // What comes with them goes on from ring to ring: too many are worth no more than the newest.
      let count = pending.count { $0.isSameKind(as: event) }
      if count >= PullDriver.newsMax { pending.removeAll { $0.isSameKind(as: event) } }
    case .tick, .heard:
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
    case .pull(let request): pending.append(await answer(to: request))
    case .apply(let batch):
      askAhead(of: batch)
      pending.append(await apply(batch, prepared?.batch == batch ? prepared : nil))
      prepared = nil
    case .pullSnapshot(let request): pending.append(await pullSnapshot(request))
    case .store(let page, let basis): pending.append(await store(page, basis))
    case .adopt(let basis): pending.append(await adopt(basis))
    case .restartHistory(let last): pending.append(await restartHistory(after: last))
    case .compareChains(let log, let places): pending.append(await compareChains(of: log, at: places))
    case .cutBack(let end): pending.append(await cutBack(keeping: end))
    case .acknowledge(let position): acknowledge(position)
    case .schedule(let delay): schedule(after: delay)
    case .report(let report): note(report)
    }
  }

  private func answer(to request: PullRequest) async -> PullDriver.Event {
    defer { ahead = nil }
    if let ahead, ahead.request == request {
      let answer = await ahead.answer.value
      if case .batchReceived = answer.event {
        prepared = answer.prepared
        return answer.event
      }
    }
    ahead?.answer.cancel()
    return await pull(request)
  }

  /// Where a batch is full, more follows. It is a guess: the driver may ask for something else.
  private func askAhead(of batch: LogBatch) {
    guard ahead == nil, batch.entries.count == Self.entriesMax else { return }
    let request = PullRequest(log: batch.log, from: batch.last + 1, entriesMax: Self.entriesMax)
    let store = source.store
    ahead = (
      request,
      Task {
        let event = await pull(request)
        guard case .batchReceived(let batch) = event else { return Ahead(event: event, prepared: nil) }
        return Ahead(event: event, prepared: await Self.prepare(batch, store))
      }
    )
  }

  /// Beside the actor: the batch before is being applied.
  private nonisolated static func prepare(_ batch: LogBatch, _ store: RegionStore) async -> PreparedBatch? {
    store.prepare(batch)
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
    case .ownHistoryLost(let log):
      logger.critical(
        "a peer knows another history of this region's log: it was restored from a backup. It begins a new incarnation, and takes back what it lost",
        metadata: ["log": "\(log)"])
    case .loadingSnapshot(let log):
      logger.notice("the peer's logs do not reach back far enough: loading a snapshot", metadata: ["log": "\(log)"])
    case .incomparable(let log):
      logger.notice(
        "this region was away for so long that its peer's copy of a log begins later than its own ends",
        metadata: ["log": "\(log)"])
    case .snapshotLoaded:
      logger.notice("a snapshot is in")
    case .ownEntriesReissued(let end):
      logger.notice("what was written on a lost history has been written anew", metadata: ["keeping": "\(end)"])
    }
  }

  /// The store may be down when the coordinator starts: it is asked each second until it answers or the coordinator stops.
  private func firstStanding() async -> DirectoryStanding? {
    while !isStopping {
      if let standing = await standing() { return standing }
      do { try await Task.sleep(for: .seconds(1)) } catch { return nil }
    }
    return nil
  }

  func standing() async -> DirectoryStanding? {
    do { return try await source.store.directoryStanding() } catch { return nil }
  }
}

extension PullDriver.Event {
  fileprivate func isSameKind(as other: PullDriver.Event) -> Bool {
    switch (self, other) {
    case (.doorbell, .doorbell), (.tick, .tick), (.heard, .heard): true
    default: false
    }
  }
}

extension PeerFailure {
  init(_ error: ConnectError) {
    switch error.code {
    case .deadlineExceeded: self = .timedOut
    case .unavailable where error.isWithoutAnswer: self = .unreachable
    default: self = .refused
    }
  }
}

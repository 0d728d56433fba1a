import ConnectRPC
import Directory
import DomicileAPI
import Foundation
import Logging
import PolicyEngine
import RegionStore
import Residency
import ServiceLifecycle
import SwiftProtobuf

/// What came of comparing this region's copy of the directory with a peer's.
struct DirectoryComparison: Sendable {
  let at: ContinuousClock.Instant
  let isEqual: Bool
  /// The first of them.
  let differences: [DirectoryDifference]
  let documents: [DocumentDifference]
  /// Whether there were more than were looked at.
  let isCutShort: Bool
  /// Facts that were missing here and were taken from the peer.
  let repaired: Int
  /// What the peer sent for it.
  let bytes: Int

  /// Whether nothing was missing that should have been there: entries may have been on their way.
  var isSound: Bool { isEqual || (!isCutShort && verdicts.allSatisfy { $0 == .underWay }) }

  private var verdicts: [DifferenceVerdict] { differences.map(\.verdict) + documents.map(\.verdict) }

  /// What is missing where it should be, by its name: a tag, or a document's collection and key.
  var wrong: [(name: String, verdict: DifferenceVerdict)] {
    (differences.map { ($0.tag.description, $0.verdict) } + documents.map { ($0.id.description, $0.verdict) }).filter {
      $0.1 != .underWay
    }
  }
}

/// What a region does for its copy of the directory beside replicating it: forgets what everybody has, and compares it with the others'.
struct DirectoryTending: Sendable {
  let source: ReplicationSource
  let asking: PeerAsking
  let exchange: ReplicationExchange
  let logger: Logger
  var retention = LogRetention()
  var floorRule = FloorRule()

  private var peers: [PeerAsking.Peer] { asking.peers }

  init(_ asking: PeerAsking) {
    source = asking.source
    exchange = asking.exchange
    logger = asking.logger
    self.asking = asking
  }

  private static let pause = Duration.seconds(10)
  /// One peer is compared with at a time, each of them every so many pauses.
  private static let pausesBetweenComparisons = 6
  /// How many beginnings of tags one comparison follows.
  static let walkBudget = 64
  /// How many differing subjects are named.
  private static let namedMax = 1_000
  private static let callTimeout = Duration.seconds(10)

  /// Until the task is cancelled or the coordinator stops.
  func run() async {
    await cancelWhenGracefulShutdown {
      var round = 0
      while true {
        do { try await Task.sleep(for: Self.pause) } catch { return }
        round += 1
        await tend(round)
        guard !self.peers.isEmpty, round.isMultiple(of: Self.pausesBetweenComparisons) else { continue }
        let peer = self.peers[(round / Self.pausesBetweenComparisons) % self.peers.count]
        do {
          try await compare(with: peer.region)
        } catch {
          self.logger.debug("the directory was not compared", metadata: ["peer": "\(peer.region.id)", "error": "\(error)"])
        }
      }
    }
  }

  private func tend(_ round: Int) async {
    let members = Set(peers.map(\.region.ordinal))
    do {
      // Nothing waits for who is no member any more.
      try await source.store.forgetMembers(except: members)
      let trimmed = try await source.store.trimLogs(retention, members: members)
      if trimmed > 0 { logger.info("entries of the directory's logs went", metadata: ["entries": "\(trimmed)"]) }
      let now = UInt64(Date().timeIntervalSince1970 * 1_000)
      if let head = try await source.store.tendTombstones(floorRule, members: members, now: now) {
        await exchange.appended(head)
      }
      if try await source.store.recount(bucket: UInt8(truncatingIfNeeded: round)) {
        logger.error("rows of the directory were changed or lost: the next comparison with a peer repairs them")
      }
    } catch {
      logger.warning("the directory's logs were not tended", metadata: ["error": "\(error)"])
    }
  }

  /// Finds where this region's copy and a peer's differ.
  /// - Parameter repairs: whether what should be here and is not is taken from the peer.
  @discardableResult
  func compare(with region: RegionDescriptor, repairs: Bool = true) async throws -> DirectoryComparison {
    guard let client = peers.first(where: { $0.region.id == region.id })?.client else {
      throw Refusal(
        .invalidArgument, .unknownRegion, "\(region.id) is no other region of this deployment: name one to compare with."
      ).connectError
    }
    var walk = DigestWalk(budget: Self.walkBudget)
    var (differences, documents, repaired, bytes) = ([DirectoryDifference](), [DocumentDifference](), 0, 0)
    while true {
      switch walk.next {
      case .compare(let prefix):
        let theirs: Domicile_Peer_V1_CompareResponse = try await client.call(
          Forwarder.service, "Compare", Domicile_Peer_V1_CompareRequest.with { $0.prefix = Data(prefix) },
          timeout: Self.callTimeout)
        bytes += try theirs.serializedData().count
        let (_, ours) = try await source.store.digest(under: prefix)
        walk.compared(
          prefix, ours: ours, theirs: theirs.sums.map { DigestSum(xor: $0.xor, count: $0.count) })
      case .lookAt(let prefix):
        guard let response = try await lookAt(prefix, of: client), let ours = try await source.store.facts(under: prefix) else {
          walk.isTooLarge(prefix)
          continue
        }
        bytes += try response.serializedData().count
        walk.lookedAt(prefix)
        let theirs = try response.placements.map { try Placement(decoding: [UInt8]($0)) }
        let theirDocuments = try [DocumentFact](response.documents)
        let basis = FactsBasis(vector: VersionVector(response.applied), reached: VersionVector(response.reached))
        differences += DirectoryDifference.all(ours: ours.placements, theirs: theirs, here: ours.standing.basis, there: basis)
        documents += DocumentDifference.all(
          ours: ours.documents, theirs: theirDocuments, here: ours.standing.vector, there: basis.vector)
        guard repairs else { continue }
        repaired += try await asking.learn(theirs, from: basis)
        if !theirDocuments.isEmpty { repaired += try await asking.learn(theirDocuments) }
        // A row that was lost under the digest is still in it.
        _ = try await source.store.recount(bucket: prefix[0])
      case .done:
        let comparison = DirectoryComparison(
          at: .now, isEqual: walk.isEqual, differences: Array(differences.prefix(Self.namedMax)),
          documents: Array(documents.prefix(Self.namedMax)),
          isCutShort: walk.isCutShort || max(differences.count, documents.count) > Self.namedMax, repaired: repaired,
          bytes: bytes)
        note(comparison, region)
        return comparison
      }
    }
  }

  /// - Returns: `nil` where it is more than one answer holds.
  private func lookAt(_ prefix: [UInt8], of client: ConnectClient) async throws -> Domicile_Peer_V1_LookUpResponse? {
    do {
      let response: Domicile_Peer_V1_LookUpResponse = try await client.call(
        Forwarder.service, "LookUp", Domicile_Peer_V1_LookUpRequest.with { $0.prefix = Data(prefix) },
        timeout: Self.callTimeout)
      return response
    } catch {
      guard error.code == .outOfRange else { throw error }
      return nil
    }
  }

  private func note(_ comparison: DirectoryComparison, _ region: RegionDescriptor) {
    source.contacts.update(region.ordinal) { $0.comparison = comparison }
    let wrong = comparison.wrong
    guard let first = wrong.first else { return }
    logger.error(
      "the copies of the directory differ where they should not",
      metadata: [
        "peer": "\(region.id)", "entries": "\(wrong.count)", "repaired": "\(comparison.repaired)",
        "first": "\(first.name)", "verdict": "\(first.verdict.rawValue)",
      ])
  }
}

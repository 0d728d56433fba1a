import ConnectRPC
import Directory
import DomicileAPI
import Foundation
import Logging
import RegionStore
import Residency
import SwiftProtobuf

/// Asks other regions what their copies of the directory hold, and takes in what was missing here.
struct PeerAsking: Sendable {
  /// When enough have answered.
  enum Wanted: Hashable, Sendable {
    /// So many regions, this one included.
    case regions(Int)
    /// One that knows the subject.
    case knowledge
  }

  /// What a peer holds of one tag.
  private struct PeerFacts: Sendable {
    let facts: [Placement]
    let basis: FactsBasis
  }

  /// What came of asking several regions.
  struct Answer: Sendable {
    /// All that they and this region hold of the tag, joined.
    let set: PlacementSet?
    /// How many regions that is the answer of, this one included.
    let answered: Int
    /// Those that did not answer.
    let silent: [RegionID]
  }

  struct Peer: Sendable {
    let region: RegionDescriptor
    let client: ConnectClient
  }

  let source: ReplicationSource
  let peers: [Peer]
  let exchange: ReplicationExchange
  let logger: Logger

  private static let timeout = Duration.seconds(1)

  /// Asks all peers that are wanted at once, and waits until enough have answered.
  /// - Parameters:
  ///   - asksTheSilent: whether those are asked too that have been out of reach for a while.
  ///   - deadline: of the call; a peer has a second at most.
  func ask(
    about tag: SubjectTag, wanted: Wanted, asksTheSilent: Bool, deadline: ContinuousClock.Instant?
  ) async throws(StoreError) -> Answer {
    let asked = peers.filter { wanted == .knowledge || $0.region.status.counts }
    let own = source.region.descriptor.status.counts || wanted == .knowledge ? 1 : 0
    var silent = Set(asked.map(\.region.id))
    let timeout = Self.timeout(until: deadline)
    let answers = await withTaskGroup(of: (RegionID, PeerFacts?).self) { group in
      for peer in asked where asksTheSilent || isHeardOf(peer.region) {
        group.addTask { (peer.region.id, await self.ask(peer.client, about: tag, timeout)) }
      }
      var answers: [PeerFacts] = []
      while !Self.isMet(wanted, by: answers, own: own), let (region, answer) = await group.next() {
        guard let answer else { continue }
        answers.append(answer)
        silent.remove(region)
      }
      group.cancelAll()
      return answers
    }
    guard answers.contains(where: { !$0.facts.isEmpty }) else {
      return Answer(set: try await source.store.placement(of: tag), answered: answers.count + own, silent: silent.sorted())
    }
    let (standing, held) = try await held(of: tag)
    var set = held
    for answer in answers { set = try await join(answer, to: set, standing, about: tag) }
    return Answer(set: set, answered: answers.count + own, silent: silent.sorted())
  }

  /// Whether it has answered lately, or was not asked yet.
  private func isHeardOf(_ region: RegionDescriptor) -> Bool {
    guard let contact = source.contacts[region.ordinal] else { return true }
    if case .unreachable(let failures, _) = contact.health.link { return failures < 2 }
    return true
  }

  /// What one region holds of the tag, by an answer that is not older than the question.
  /// - Returns: `nil` where it does not answer.
  func ask(
    _ region: RegionOrdinal, about tag: SubjectTag, deadline: ContinuousClock.Instant?
  ) async -> Answer? {
    guard let peer = peers.first(where: { $0.region.ordinal == region }),
      let answer = await ask(peer.client, about: tag, Self.timeout(until: deadline), linearizable: true)
    else { return nil }
    return Answer(set: PlacementSet(joining: answer.facts), answered: 1, silent: [])
  }

  /// How many peers hold `vector` durably, waited for until `wanted` do.
  func confirm(_ vector: VersionVector, wanted: Int, deadline: ContinuousClock.Instant?) async -> (held: Int, missing: [RegionID])
  {
    let request = Domicile_Peer_V1_AwaitRequest.with { $0.positions = vector.positions.map { Domicile_Peer_V1_Position($0) } }
    let timeout = Self.timeout(until: deadline) + Self.travel
    return await withTaskGroup(of: (RegionID, Bool).self) { group in
      for peer in peers where peer.region.status.counts {
        group.addTask {
          (peer.region.id, await self.holds(request, peer, timeout))
        }
      }
      var (held, missing) = (0, Set(peers.filter(\.region.status.counts).map(\.region.id)))
      while held < wanted, let (region, isHeld) = await group.next() {
        guard isHeld else { continue }
        held += 1
        missing.remove(region)
      }
      group.cancelAll()
      return (held, missing.sorted())
    }
  }

  private func holds(_ request: Domicile_Peer_V1_AwaitRequest, _ peer: Peer, _ timeout: Duration) async -> Bool {
    do {
      let answer: Domicile_Peer_V1_AwaitResponse = try await peer.client.call(
        Forwarder.service, "Await", request, timeout: timeout)
      return answer.reached
    } catch {
      logger.debug("a peer did not confirm", metadata: ["peer": "\(peer.region.id)", "error": "\(error)"])
      return false
    }
  }

  /// A peer that waits for a second answers a little later.
  private static let travel = Duration.milliseconds(500)

  private static func timeout(until deadline: ContinuousClock.Instant?) -> Duration {
    deadline.map { min(timeout, max(.milliseconds(1), ContinuousClock.now.duration(to: $0))) } ?? timeout
  }

  private func ask(
    _ client: ConnectClient, about tag: SubjectTag, _ timeout: Duration, linearizable: Bool = false
  ) async -> PeerFacts? {
    let request = Domicile_Peer_V1_LookUpRequest.with {
      $0.tags = [Data(tag.bytes)]
      $0.linearizable = linearizable
    }
    do {
      let answer: Domicile_Peer_V1_LookUpResponse = try await client.call(
        Forwarder.service, "LookUp", request, timeout: timeout)
      return PeerFacts(
        facts: try answer.placements.map { try Placement(decoding: [UInt8]($0)) }.filter { $0.tag == tag },
        basis: FactsBasis(vector: VersionVector(answer.applied), reached: VersionVector(answer.reached)))
    } catch {
      // An answer that cannot be read is none.
      logger.debug("a peer did not answer", metadata: ["error": "\(error)"])
      return nil
    }
  }

  /// What this region holds of the tag, and of the directory at the same moment.
  private func held(of tag: SubjectTag) async throws(StoreError) -> (standing: DirectoryStanding, set: PlacementSet?) {
    let held = try await source.store.facts(of: [tag])
    return (held.standing, PlacementSet(joining: held.placements))
  }

  /// What is on its way by a log is not written: it comes. What should be here and is not is written at once.
  private func join(
    _ answer: PeerFacts, to set: PlacementSet?, _ here: DirectoryStanding, about tag: SubjectTag
  ) async throws(StoreError) -> PlacementSet? {
    let learning = Learning(
      answer.facts, theirs: answer.basis, here: here.basis, own: here.own, current: set.map { [tag: $0] } ?? [:])
    if learning.repairs > 0 || !learning.recovered.isEmpty || learning.ownHistoryIsLost {
      _ = try await learn(answer.facts, from: answer.basis)
      // A row that was lost under the digest is still in it.
      _ = try await source.store.recount(bucket: tag.bytes[0])
    }
    return PlacementSet(joining: (set?.placements ?? []) + learning.facts)
  }

  /// - Returns: how many facts were missing though this region's vector covers them.
  func learn(_ facts: [Placement], from basis: FactsBasis) async throws(StoreError) -> Int {
    let now = HybridTimestamp(milliseconds: UInt64(Date().timeIntervalSince1970 * 1_000))
    var (learning, own) = try await source.store.learn(facts, theirs: basis, timestamp: now)
    if learning.ownHistoryIsLost {
      try await restartHistory()
      (learning, own) = try await source.store.learn(facts, theirs: basis, timestamp: now)
    }
    if let own { await exchange.appended(own) }
    return learning.repairs
  }

  /// - Returns: how many versions were missing though this region's vector covers them.
  func learn(_ documents: [DocumentFact]) async throws(StoreError) -> Int {
    var learning = try await source.store.learn(documents)
    if learning.ownHistoryIsLost {
      try await restartHistory()
      learning = try await source.store.learn(documents)
    }
    return learning.repairs
  }

  private func restartHistory() async throws(StoreError) {
    logger.critical(
      "a peer knows entries of this region's log that are not here: it was restored from a backup. It begins a new incarnation, and takes back what it lost"
    )
    let log = try await source.store.restartHistory(after: source.store.directoryStanding().own.incarnation)
    await exchange.tell(.restarted(own: log), except: nil)
  }

  private static func isMet(_ wanted: Wanted, by answers: [PeerFacts], own: Int) -> Bool {
    switch wanted {
    case .regions(let count): answers.count + own >= count
    case .knowledge: answers.contains { !$0.facts.isEmpty }
    }
  }
}

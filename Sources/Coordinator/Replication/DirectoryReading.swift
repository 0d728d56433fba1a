import ConnectRPC
import Directory
import Logging
import RegionStore
import Residency

/// How the directory is read for a caller: no less than the session has seen, and at the level that was asked for.
struct DirectoryReading: Sendable {
  enum Level: Hashable, Sendable {
    /// This region's own copy; the others are asked only about subjects that it does not know.
    case one
    /// What most regions hold together.
    case quorum
    /// What all regions hold together.
    case all
    /// The home's own answer, linearizable.
    case home
  }

  /// What was found of a subject.
  struct Found: Sendable {
    let set: PlacementSet?
    /// How many regions' copies that is of.
    let regions: Int
    /// Those that were asked and did not answer.
    let silent: [RegionID]
  }

  let asking: PeerAsking
  let progress: DirectoryProgress
  let sessionKey: [UInt8]

  private var store: RegionStore { asking.source.store }
  private var region: RegionContext { asking.source.region }

  /// - Throws: ``ConnectError`` where the call carries a session that is none.
  func trace(of context: CallContext) throws -> SessionTrace { try SessionTrace(context, key: sessionKey) }

  /// A place where a branch was cut is not told: the log has two entries there, and whoever came with it would be refused.
  func conclude(_ trace: SessionTrace, _ context: CallContext) {
    trace.write(to: context, key: sessionKey, before: store.directoryCache.cuts)
  }

  /// Returns once this region's copy shows all of `vector`.
  func reach(_ vector: VersionVector, deadline: ContinuousClock.Instant?) async throws(Refusal) {
    let reached = try await storing { () async throws(StoreError) in try await progress.reach(vector, deadline: deadline) }
    if let refusal = Refusal.sessionNotReached(reached, in: region.descriptor.id) { throw refusal }
  }

  /// What memory alone says about where a subject is at home.
  enum Memory: Sendable {
    case elsewhere(Placement)
    /// The store has to be asked, and what it says may be remembered.
    case unknown(PlacementCache.Ticket)
    case nothing
  }

  func remembered(_ tag: SubjectTag, _ trace: SessionTrace) -> Memory {
    guard progress.isReached(trace.required) else { return .nothing }
    switch store.directoryCache.answer(for: tag) {
    case .placement(let placement) where placement.home != region.descriptor.ordinal && placement.state != .erased:
      return .elsewhere(placement)
    case .unknown(let ticket): return .unknown(ticket)
    case .placement, .absent: return .nothing
    }
  }

  func remember(_ placement: Placement, _ memory: Memory) {
    guard case .unknown(let ticket) = memory else { return }
    store.directoryCache.fill(placement, ticket)
  }

  /// Whether this region's copy holds anything of `tag`.
  func isKnown(_ tag: SubjectTag) async throws(Refusal) -> Bool {
    try await storing { () async throws(StoreError) in try await store.lookUp(tag) } != nil
  }

  /// Somebody elsewhere may know a subject that is unknown here.
  func askPeers(about tag: SubjectTag, _ call: Call) async throws(Refusal) -> PeerAsking.Answer {
    try await storing { () async throws(StoreError) in
      try await asking.ask(about: tag, wanted: .knowledge, asksTheSilent: false, deadline: call.deadline)
    }
  }

  func find(_ tag: SubjectTag, at level: Level, _ trace: SessionTrace, _ call: Call) async throws(Refusal) -> Found {
    let isInMemory = progress.isReached(trace.required)
    // Those that answer need not be those that the session has seen: this region's own copy must be that far.
    if !isInMemory, level != .home { try await reach(trace.required, deadline: call.deadline) }
    let found =
      switch level {
      case .one: try await findHere(tag, mayRemember: isInMemory, call)
      case .quorum: try await find(tag, in: catalogCount / 2 + 1, call)
      case .all: try await find(tag, in: catalogCount, call)
      case .home: try await findAtHome(tag, mayRemember: isInMemory, call)
      }
    trace.saw(found.set?.placements.map(\.position) ?? [])
    return found
  }

  private var catalogCount: Int { region.catalog.counted.count }

  /// - Parameter mayRemember: whether memory is far enough: it may be behind the store.
  private func findHere(_ tag: SubjectTag, mayRemember: Bool, _ call: Call) async throws(Refusal) -> Found {
    let set = try await storing { () async throws(StoreError) in
      mayRemember ? try await store.lookUp(tag) : try await store.placement(of: tag)
    }
    guard set == nil else { return Found(set: set, regions: 1, silent: []) }
    let answer = try await askPeers(about: tag, call)
    return Found(set: answer.set, regions: answer.answered, silent: answer.silent)
  }

  private func find(_ tag: SubjectTag, in wanted: Int, _ call: Call) async throws(Refusal) -> Found {
    let answer = try await storing { () async throws(StoreError) in
      try await asking.ask(about: tag, wanted: .regions(wanted), asksTheSilent: true, deadline: call.deadline)
    }
    guard answer.answered >= wanted else {
      throw Refusal(
        .unavailable, .unconfirmed,
        "\(answer.answered) of the \(wanted) regions that have to answer did. \(answer.silent.text) did not. Try again, or ask at a lower level.",
        metadata: ["silent_regions": answer.silent.list])
    }
    return Found(set: answer.set, regions: answer.answered, silent: answer.silent)
  }

  /// Homes change: the one that is asked may name another.
  private static let homesMax = 3

  private func findAtHome(_ tag: SubjectTag, mayRemember: Bool, _ call: Call) async throws(Refusal) -> Found {
    var found = try await findHere(tag, mayRemember: mayRemember, call)
    for _ in 0..<Self.homesMax {
      guard case .settled(let placement) = found.set else { return found }
      guard placement.home != region.descriptor.ordinal else {
        let set = try await storing { () async throws(StoreError) in
          let set = try await store.placement(of: tag)
          try await store.barrier()
          return set
        }
        guard case .settled(let now) = set, now.home != placement.home else { return Found(set: set, regions: 1, silent: []) }
        found = Found(set: set, regions: 1, silent: [])
        continue
      }
      guard let home = region.catalog[placement.home] else { return found }
      guard let answer = await asking.ask(home.ordinal, about: tag, deadline: call.deadline) else {
        throw .unreachable(home.id, mayHaveWritten: false)
      }
      found = Found(set: answer.set, regions: 1, silent: [])
      if case .settled(let now) = answer.set, now.home != home.ordinal { continue }
      return found
    }
    throw Refusal(
      .unavailable, .staleDirectory, "The subject is being moved: its home changed again while it was asked. Try again.",
      metadata: ["region": region.descriptor.id.rawValue])
  }

  /// Waits until so many regions hold `vector` durably.
  /// - Returns: how many do, at least.
  func confirm(
    _ vector: VersionVector, at level: Level, registeredIn home: String, deadline: ContinuousClock.Instant?
  ) async throws(Refusal) -> Int {
    let wanted = level == .all ? catalogCount : catalogCount / 2 + 1
    let own = region.descriptor.status.counts ? 1 : 0
    async let here = isHeld(vector, deadline: deadline)
    let (held, missing) = await asking.confirm(vector, wanted: wanted - own, deadline: deadline)
    let isHere = await here
    let total = held + (isHere ? own : 0)
    guard total < wanted else { return total }
    let silent = (missing + (isHere ? [] : [region.descriptor.id])).sorted()
    throw Refusal(
      .deadlineExceeded, .unconfirmed,
      "The subject is registered in \(home), and that is on its way to \(silent.text): \(total) of the \(wanted) regions that have to hold it do so far.",
      metadata: ["home_region": home, "silent_regions": silent.list, "confirmed": String(total)])
  }

  /// A store that cannot say so does not count.
  private func isHeld(_ vector: VersionVector, deadline: ContinuousClock.Instant?) async -> Bool {
    do { return try await progress.reach(vector, deadline: deadline) == .reached } catch {
      asking.logger.debug("this region did not confirm", metadata: ["error": "\(error)"])
      return false
    }
  }

  private func storing<R: Sendable>(_ body: () async throws(StoreError) -> R) async throws(Refusal) -> R {
    do { return try await body() } catch { throw Refusal(error, region: region.descriptor.id.rawValue) }
  }
}

extension [RegionID] {
  var list: String { map(\.rawValue).joined(separator: ",") }
  var text: String { map(\.rawValue).joined(separator: ", ") }
}

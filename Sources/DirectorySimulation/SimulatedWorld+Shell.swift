import Directory
import Residency

/// The shell: carries out what the drivers ask for.
extension SimulatedWorld {
  private static let deadline = 300
  /// How long a ring counts as being on its way.
  private static let ringLength = 60

  mutating func tell(_ index: Int, _ peer: Int, _ event: PullDriver.Event) {
    let actions = regions[index].peers[peer]?.driver.receive(event, now: .milliseconds(now)) ?? []
    for action in actions { perform(action, region: index, peer: peer) }
  }

  private mutating func perform(_ action: PullDriver.Action, region index: Int, peer: Int) {
    switch action {
    case .sendHello:
      let store = regions[index].store
      call(index, peer) { .hello(call: $0, store.vector, cuts: store.cuts) }
    case .pull(let request): call(index, peer) { .pull(call: $0, request) }
    case .apply(let batch): commit(.batch(batch), index, peer)
    case .pullSnapshot(let request): call(index, peer) { .snapshot(call: $0, request) }
    case .store(let page, let basis): commit(.page(page, basis: basis), index, peer)
    case .adopt(let basis): commit(.adopt(basis), index, peer)
    case .restartHistory(let last): commit(.restart(after: last), index, peer)
    case .compareChains(let log, let places): call(index, peer) { .chains(call: $0, log, at: places) }
    case .cutBack(let end): commit(.cutBack(end), index, peer)
    case .acknowledge(let position): send(.acknowledge(position), from: index, to: peer)
    case .schedule(let pause):
      let number = (regions[index].peers[peer]?.timer ?? 0) + 1
      regions[index].peers[peer]?.timer = number
      schedule(
        .timer(region: index, peer: peer, number: number, session: regions[index].session), after: pause.wholeMilliseconds)
    case .report(let report):
      if case .health = report {} else { tell { _ in "region \(index + 1) about \(peer + 1): \(report)" } }
      checker.heard(report)
    }
  }

  private mutating func commit(_ work: Work, _ index: Int, _ peer: Int) {
    schedule(.transaction(region: index, peer: peer, work, session: regions[index].session), after: 1 + random.below(8))
  }

  private mutating func call(_ index: Int, _ peer: Int, _ message: (Int) -> Message) {
    calls += 1
    regions[index].peers[peer]?.call = calls
    schedule(
      .deadline(region: index, peer: peer, call: calls, session: regions[index].session), after: Self.deadline)
    send(message(calls), from: index, to: peer)
  }

  mutating func send(_ message: Message, from: Int, to: Int) {
    for delay in network.delays(from, to, at: now, &random) {
      schedule(.arrival(network.carried(message, &random), from: from, to: to), after: delay)
    }
  }

  mutating func receive(_ message: Message, from: Int, at index: Int) {
    guard regions[index].isUp, !regions[from].isGone else { return }
    switch message {
    case .hello(let call, let vector, let cuts):
      note(cuts, index)
      tell(index, from, .heard)
      regions[index].store.greeted(by: regions[from].store.region, holding: vector)
      let store = regions[index].store
      send(.helloAnswer(call: call, regions[index].hello, heads: store.heads, cuts: store.cuts), from: index, to: from)
    case .pull(let call, let request):
      send(.pullAnswer(call: call, regions[index].store.answer(request)), from: index, to: from)
    case .snapshot(let call, let request):
      guard let page = regions[index].store.answer(request) else { return }
      send(.snapshotAnswer(call: call, page), from: index, to: from)
    case .chains(let call, let log, let places):
      send(
        .chainsAnswer(call: call, log, regions[index].store.extent(log), chains(of: log, at: places, in: index)), from: index,
        to: from)
    case .acknowledge(let position):
      checker.acknowledged(position, holder: regions[from].store, isUp: regions[from].isUp)
      regions[index].store.acknowledge(VersionVector([position.log: position.seq]), by: regions[from].store.region)
    case .compare(let digest):
      let store = regions[index].store
      let facts = store.facts(differingFrom: digest)
      let documents = store.documents(differingFrom: digest)
      if !facts.isEmpty || !documents.isEmpty {
        send(.differences(facts, documents, store.factsBasis), from: index, to: from)
      }
    case .differences(let facts, let documents, let basis):
      let stamp = regions[index].timestamp(now: now)
      let own = regions[index].store.own
      regions[index].store.learn(documents)
      for record in regions[index].store.learn(facts, theirs: basis, timestamp: stamp) {
        checker.recovered(record)
        announce(record, region: index)
      }
      if regions[index].store.own != own {
        tell { world in "region \(index + 1) restarts its history: \(world.regions[index].store.own)" }
        for other in regions[index].peers.keys.sorted() { tell(index, other, .restarted(own: regions[index].store.own)) }
      }
    case .ring(let head, let news): tell(index, from, .doorbell(head: head, news: news))
    case .helloAnswer(let call, _, _, _), .pullAnswer(let call, _), .snapshotAnswer(let call, _),
      .chainsAnswer(let call, _, _, _):
      guard regions[index].peers[from]?.call == call else { return }
      regions[index].peers[from]?.call = nil
      if case .helloAnswer(_, _, _, let cuts) = message { note(cuts, index) }
      tell(index, from, event(of: message, at: index))
    }
  }

  private mutating func note(_ cuts: Set<LogCut>, _ index: Int) {
    for log in regions[index].store.note(cuts) { checker.cannotTell(log) }
  }

  private func event(of answer: Message, at index: Int) -> PullDriver.Event {
    let store = regions[index].store
    switch answer {
    case .helloAnswer(_, let hello, let heads, _):
      let logs = LogComparison(forks: store.forks(with: heads), misled: store.misled)
      return .helloAnswered(hello, local: store.vector, logs: logs)
    case .pullAnswer(_, .batch(let batch)): return .batchReceived(batch)
    case .pullAnswer(_, .nothing): return .nothingToPull
    case .pullAnswer(_, .trimmed): return .trimmed
    case .snapshotAnswer(_, let page): return .pageReceived(page)
    case .chainsAnswer(_, let log, let extent, let theirs):
      return .chainsCompared(
        ChainComparison(
          own: store.extent(log), theirs: extent, ownChains: chains(of: log, at: Array(theirs.keys), in: index),
          theirChains: theirs))
    default: return .failed(.protocolViolation)
    }
  }

  private func chains(of log: LogID, at places: [UInt64], in index: Int) -> [UInt64: ChainHash] {
    Dictionary(
      places.compactMap { place in regions[index].store.chain(log, at: place).map { (place, $0) } },
      uniquingKeysWith: { one, _ in one })
  }

  mutating func carryOut(_ work: Work, region index: Int, peer: Int) {
    guard !random.chance(3) else { return tell(index, peer, .failed(.storeUnavailable)) }
    let before = regions[index].store.vector
    switch work {
    case .batch(let batch):
      let decision = regions[index].store.apply(batch, now: now)
      checker.vectorMoved(from: before, to: regions[index].store.vector, of: regions[index].store.region)
      if case .apply(_, let head) = decision {
        tell { _ in "region \(index + 1) takes \(batch.log):\(batch.first)…\(head.seq) from \(peer + 1): \(head.chain.short)" }
        advanced(LogPosition(log: batch.log, seq: head.seq), index, except: peer)
      }
      tell(index, peer, .applied(decision?.outcome(of: batch) ?? .heldBack))
    case .page(let page, let basis):
      let isStored = regions[index].store.store(page, basis: basis, from: regions[peer].store.region, now: now)
      tell(index, peer, isStored ? .pageStored : .pageRefused)
    case .adopt(let basis):
      guard regions[index].store.adopt(basis, from: regions[peer].store.region) else { return tell(index, peer, .pageRefused) }
      tell { world in "region \(index + 1) adopts \(world.regions[index].store.headsText), cuts \(basis.cuts.map(\.first))" }
      checker.adopted(cuts: regions[index].store.cuts, from: before, to: regions[index].store.vector)
      for position in regions[index].store.vector.positions { advanced(position, index, except: peer) }
      tell(index, peer, .adopted(local: regions[index].store.vector))
    case .restart(let last):
      tell { _ in "region \(index + 1) restarts its history after \(last.rawValue)" }
      let log = regions[index].store.restartHistory(after: last)
      for other in regions[index].peers.keys.sorted() { tell(index, other, .restarted(own: log)) }
    case .cutBack(let end):
      tell { _ in "region \(index + 1) keeps \(end)" }
      for record in regions[index].store.cutBack(keeping: end) {
        checker.reissued(record)
        announce(record, region: index)
      }
      tell(index, peer, .cutBack(LogPosition(log: end.log, seq: regions[index].store.head(end.log).seq)))
    }
  }

  private mutating func advanced(_ position: LogPosition, _ index: Int, except peer: Int) {
    for other in regions[index].peers.keys.sorted() where other != peer { tell(index, other, .localAdvanced(position)) }
  }

  /// What the committer tells after a commit.
  mutating func announce(_ record: LogRecord, region index: Int) {
    tell { _ in "region \(index + 1) writes \(record.position): \(record.chain.short)" }
    for peer in regions[index].peers.keys.sorted() {
      tell(index, peer, .localAdvanced(record.position))
      perform(regions[index].peers[peer]?.bell.committed(record.position) ?? [], region: index, peer: peer)
    }
  }

  mutating func perform(_ actions: [Doorbell.Action], region index: Int, peer: Int) {
    for action in actions {
      switch action {
      case .schedule(let pause):
        schedule(.bell(region: index, peer: peer, session: regions[index].session), after: pause.wholeMilliseconds)
      case .ring(let head, let first):
        send(.ring(head, news: news(from: first, upTo: head, in: index)), from: index, to: peer)
        schedule(.ringEnd(region: index, peer: peer, session: regions[index].session), after: Self.ringLength)
      }
    }
  }

  private func news(from first: UInt64?, upTo head: LogPosition, in index: Int) -> LogBatch? {
    guard let first,
      case .batch(let batch) = regions[index].store.answer(
        PullRequest(log: head.log, from: first, entriesMax: Int(head.seq - first) + 1))
    else { return nil }
    return batch
  }
}

extension Duration {
  /// Rounded up: a timer never fires early.
  var wholeMilliseconds: Int {
    Int(components.seconds) * 1_000 + Int((components.attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
  }
}

extension ChainHash {
  /// Enough to tell branches apart.
  fileprivate var short: String { bytes.prefix(3).map { String($0, radix: 16) }.joined() }
}

extension SimulatedStore {
  fileprivate var headsText: String {
    heads.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value.seq)=\($0.value.chain.short)" }.joined(separator: " ")
  }
}

import Residency
import Testing

@testable import Directory
@testable import DirectorySimulation

/// Region 1's driver for region 2, with region 3 beside them.
private struct Conversation {
  var driver: PullDriver
  var now: Duration = .zero
  let catalog = CatalogRevision(number: 4, hash: "c0ffee")

  init(incarnation: UInt32 = 1) throws {
    driver = PullDriver(own: try log(1, incarnation), peer: try region(2), catalogRevision: catalog)
  }

  mutating func send(_ event: PullDriver.Event, after pause: Duration = .zero) -> [PullDriver.Action] {
    now += pause
    return driver.receive(event, now: now)
  }

  mutating func greeted(_ theirs: VersionVector, local: VersionVector = VersionVector()) throws -> [PullDriver.Action] {
    let hello = PeerHello(region: try region(2), incarnation: .first, catalogRevision: catalog, vector: theirs)
    return send(.helloAnswered(hello, local: local)).filter { !$0.isHealth }
  }
}

extension PullDriver.Action {
  fileprivate var isHealth: Bool {
    if case .report(.health) = self { true } else { false }
  }
}

private func request(_ log: LogID, from: UInt64) -> PullRequest { PullRequest(log: log, from: from, entriesMax: 1_024) }

@Suite struct PullDriverTests {
  @Test func `it greets, pulls, applies, acknowledges, and then polls each second`() throws {
    var talk = try Conversation()
    let records = try registrations(3, origin: 2)
    #expect(talk.send(.started(local: VersionVector())) == [.sendHello])
    #expect(try talk.greeted(VersionVector([log(2): 3])) == [.pull(request(log(2), from: 1))])
    let first = try batch(records, count: 2)
    #expect(talk.send(.batchReceived(first)) == [.apply(first)])
    var actions = talk.send(.applied(.applied(try at(2, 2)))).filter { !$0.isHealth }
    #expect(actions == [.acknowledge(try at(2, 2)), .pull(request(try log(2), from: 3))])
    let second = try batch(records, from: 3)
    _ = talk.send(.batchReceived(second))
    actions = talk.send(.applied(.applied(try at(2, 3)))).filter { !$0.isHealth }
    #expect(actions == [.acknowledge(try at(2, 3)), .schedule(after: .seconds(1))])
    #expect(talk.driver.health.entriesBehind == 0)
    #expect(talk.send(.tick, after: .milliseconds(999)) == [.schedule(after: .milliseconds(1))])
    #expect(talk.send(.tick, after: .milliseconds(1)) == [.sendHello])
  }

  /// What comes of a snapshot where this region holds 4 entries of a third region's log, and the peer 8.
  private func snapshot(agreeingUpTo last: UInt64) throws -> [PullDriver.Action] {
    var talk = try Conversation()
    let held = VersionVector([try log(3): 4])
    _ = talk.send(.started(local: held))
    #expect(try talk.greeted(VersionVector([log(2): 9, log(3): 8]), local: held) == [.pull(request(log(2), from: 1))])
    let pull = PullDriver.Action.pullSnapshot(SnapshotRequest(after: nil, tagsMax: 4_096))
    #expect(talk.send(.trimmed).filter { !$0.isHealth } == [.report(.loadingSnapshot(try log(2))), pull])
    func chain(_ seq: UInt64, _ branch: UInt8) throws -> ChainHash {
      try #require(ChainHash(simulatedDigest([branch, UInt8(seq)])))
    }
    let heads = [
      try log(2): AppliedHead(seq: 9, chain: try chain(9, 1)), try log(3): AppliedHead(seq: 8, chain: try chain(8, 1)),
    ]
    let page = SnapshotPage(
      basis: SnapshotBasis(heads: heads, cuts: [], floors: FloorLedger()), after: nil, through: nil, facts: [])
    #expect(talk.send(.pageReceived(page)).filter { !$0.isHealth } == [.compareChains(try log(3), at: [])])
    func comparison(at places: [UInt64]) throws -> PullDriver.Event {
      .chainsCompared(
        ChainComparison(
          own: .init(start: 0, end: 4), theirs: .init(start: 0, end: 8),
          ownChains: Dictionary(uniqueKeysWithValues: try places.map { ($0, try chain($0, 1)) }),
          theirChains: Dictionary(uniqueKeysWithValues: try places.map { ($0, try chain($0, $0 <= last ? 1 : 2)) })))
    }
    #expect(talk.send(try comparison(at: [])) == [.compareChains(try log(3), at: [1, 2, 3, 4])])
    var actions = talk.send(try comparison(at: [1, 2, 3, 4])).filter { !$0.isHealth }
    #expect(actions.last == pull)
    actions += talk.send(.pageReceived(page)).filter { !$0.isHealth }
    return actions
  }

  @Test func `a snapshot is loaded where it goes on with what is held`() throws {
    guard case .store = try snapshot(agreeingUpTo: 4).last else { return #expect(Bool(false), "it is not stored") }
  }

  @Test func `no snapshot takes the place of what may stand on the right branch of a log`() throws {
    let actions = try snapshot(agreeingUpTo: 2)
    #expect(actions.contains(.report(.fenced(try log(3), .chainMismatch(at: try at(3, 3))))))
    #expect(!actions.contains { if case .store = $0 { true } else { false } })
  }

  @Test func `one batch is in flight at most, and answers that were not asked for change nothing`() throws {
    var talk = try Conversation()
    let stray = try batch(registrations(1, origin: 2))
    #expect(talk.send(.batchReceived(stray)) == [])
    _ = talk.send(.started(local: VersionVector()))
    #expect(talk.send(.started(local: VersionVector())) == [])
    #expect(talk.send(.batchReceived(stray)) == [])
    _ = try talk.greeted(VersionVector([log(2): 1]))
    #expect(talk.send(.doorbell(head: try at(2, 2))) == [])
    _ = talk.send(.batchReceived(stray))
    for event: PullDriver.Event in [.tick, .batchReceived(stray), .nothingToPull, .doorbell(head: nil)] {
      #expect(talk.send(event) == [], "while a batch is being applied")
    }
  }

  @Test func `doorbells within the window are answered once, by a pull without a greeting`() throws {
    var talk = try Conversation()
    _ = talk.send(.started(local: VersionVector()))
    _ = try talk.greeted(VersionVector())
    #expect(talk.send(.doorbell(head: try at(2, 1))) == [.schedule(after: .milliseconds(5))])
    #expect(talk.send(.doorbell(head: try at(2, 2)), after: .milliseconds(3)) == [])
    let actions = talk.send(.tick, after: .milliseconds(2)).filter { !$0.isHealth }
    #expect(actions == [.pull(request(try log(2), from: 1))])
  }

  @Test func `what a ring brings is applied at once, without a pull`() throws {
    var talk = try Conversation()
    let records = try registrations(4, origin: 2)
    _ = talk.send(.started(local: VersionVector()))
    _ = try talk.greeted(VersionVector())
    let (one, two, three) = try (batch(records, count: 1), batch(records, from: 2, count: 1), batch(records, from: 3))
    #expect(talk.send(.doorbell(head: try at(2, 1), news: one)).filter { !$0.isHealth } == [.apply(one)])
    // What comes meanwhile is applied after it.
    #expect(talk.send(.doorbell(head: try at(2, 2), news: two)) == [])
    #expect(talk.send(.doorbell(head: try at(2, 4), news: three)) == [])
    var actions = talk.send(.applied(.applied(try at(2, 1)))).filter { !$0.isHealth }
    #expect(actions == [.acknowledge(try at(2, 1)), .apply(two)])
    actions = talk.send(.applied(.applied(try at(2, 2)))).filter { !$0.isHealth }
    #expect(actions == [.acknowledge(try at(2, 2)), .apply(three)])
    actions = talk.send(.applied(.applied(try at(2, 4)))).filter { !$0.isHealth }
    #expect(actions == [.acknowledge(try at(2, 4)), .schedule(after: .seconds(1))])
  }

  @Test func `where a ring was lost, or too much came at once, it is pulled together`() throws {
    var talk = try Conversation()
    let records = try registrations(8, origin: 2)
    _ = talk.send(.started(local: VersionVector()))
    _ = try talk.greeted(VersionVector())
    let late = try batch(records, from: 3, count: 1)
    #expect(talk.send(.doorbell(head: try at(2, 3), news: late)) == [.schedule(after: .milliseconds(5))])
    var actions = talk.send(.tick, after: .milliseconds(5)).filter { !$0.isHealth }
    #expect(actions == [.pull(request(try log(2), from: 1))])
    let pulled = try batch(records, count: 2)
    #expect(talk.send(.batchReceived(pulled)) == [.apply(pulled)])
    for seq in 3...(3 + PullDriver.newsMax) {
      _ = talk.send(.doorbell(head: try at(2, UInt64(seq)), news: try batch(records, from: seq, count: 1)))
    }
    actions = talk.send(.applied(.applied(try at(2, 2)))).filter { !$0.isHealth }
    #expect(actions == [.acknowledge(try at(2, 2)), .pull(request(try log(2), from: 3))])
  }

  @Test func `what a ring brings of another region's log, or after a failure, is not taken`() throws {
    var talk = try Conversation()
    _ = talk.send(.started(local: VersionVector()))
    _ = try talk.greeted(VersionVector())
    let foreign = try batch(registrations(1, origin: 3))
    #expect(talk.send(.doorbell(head: try at(3, 1), news: foreign)) == [.schedule(after: .milliseconds(5))])
    #expect(talk.send(.doorbell(head: try at(2, 1), news: foreign)) == [])
    _ = talk.send(.tick, after: .milliseconds(5))
    _ = talk.send(.failed(.unreachable))
    let own = try batch(registrations(1, origin: 2))
    #expect(talk.send(.doorbell(head: try at(2, 1), news: own)) == [.schedule(after: .milliseconds(100))])
    #expect(talk.send(.tick, after: .milliseconds(100)) == [.sendHello])
    #expect(try talk.greeted(VersionVector([log(2): 1])) == [.pull(request(log(2), from: 1))])
  }

  @Test func `a ring during a greeting is not forgotten when an older answer comes`() throws {
    var talk = try Conversation()
    _ = talk.send(.started(local: VersionVector()))
    _ = talk.send(.doorbell(head: try at(2, 1)))
    #expect(try talk.greeted(VersionVector()) == [.pull(request(log(2), from: 1))])
  }

  @Test func `failures back off exponentially up to a cap, and a success starts over`() throws {
    var talk = try Conversation()
    _ = talk.send(.started(local: VersionVector()))
    var pauses: [Duration] = []
    for _ in 0..<10 {
      guard case .schedule(let pause)? = talk.send(.failed(.unreachable)).last else { break }
      pauses.append(pause)
      #expect(talk.send(.tick, after: pause) == [.sendHello])
    }
    #expect(pauses == [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000].map { .milliseconds($0) })
    #expect(talk.driver.health.link == .unreachable(failures: 10, .unreachable))
    _ = try talk.greeted(VersionVector())
    #expect(talk.driver.health.link == .reachable)
    _ = talk.send(.tick, after: .seconds(1))
    #expect(talk.send(.failed(.timedOut)).last == .schedule(after: .milliseconds(100)))
  }

  @Test func `a peer that greets but never delivers is left alone for longer and longer`() throws {
    #expect(try pauses(after: .damaged) == [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000])
  }

  @Test func `a peer that answers some calls and not others is tried as often as one that answers all`() throws {
    #expect(try pauses(after: .timedOut) == [100, 200, 400, 800, 1_000, 1_000, 1_000, 1_000, 1_000])
    #expect(try pauses(after: .unreachable) == [100, 200, 400, 800, 1_000, 1_000, 1_000, 1_000, 1_000])
  }

  /// In milliseconds, where each greeting is answered and each pull fails.
  private func pauses(after failure: PeerFailure) throws -> [Int] {
    var talk = try Conversation()
    _ = talk.send(.started(local: VersionVector()))
    var pauses: [Int] = []
    for _ in 0..<9 {
      _ = try talk.greeted(VersionVector([log(2): 5]))
      guard case .schedule(let pause)? = talk.send(.failed(failure)).last else { break }
      pauses.append(Int(pause / .milliseconds(1)))
      _ = talk.send(.tick, after: pause)
    }
    return pauses
  }

  @Test func `a peer that greets is tried early, once a rest, and is not greeted back`() throws {
    var talk = try Conversation()
    _ = talk.send(.started(local: VersionVector()))
    #expect(talk.send(.heard) == [])
    for _ in 0..<8 {
      guard case .schedule(let pause)? = talk.send(.failed(.unreachable)).last else { break }
      _ = talk.send(.tick, after: pause)
    }
    #expect(talk.send(.failed(.unreachable)).last == .schedule(after: .seconds(10)))
    #expect(talk.send(.heard, after: .seconds(1)) == [.schedule(after: .milliseconds(100))])
    #expect(talk.send(.heard) == [])
    #expect(talk.send(.tick, after: .milliseconds(100)) == [.sendHello])
    #expect(try talk.greeted(VersionVector()) == [.schedule(after: .milliseconds(1_000))])
    // Two regions that greet each other's greetings would do nothing else.
    #expect(talk.send(.heard) == [])
  }

  @Test func `a ring during a rest brings one early try, and no more`() throws {
    var talk = try Conversation()
    _ = talk.send(.started(local: VersionVector()))
    for _ in 0..<6 {
      _ = talk.send(.failed(.unreachable))
      _ = talk.send(.tick, after: .seconds(10))
    }
    #expect(talk.send(.failed(.unreachable)).last == .schedule(after: .milliseconds(6_400)))
    #expect(talk.send(.doorbell(head: nil)) == [.schedule(after: .milliseconds(100))])
    #expect(talk.send(.doorbell(head: nil)) == [])
    #expect(talk.send(.tick, after: .milliseconds(100)) == [.sendHello])
  }

  @Test func `a log is taken from its own region first, and relayed only when it lags`() throws {
    var talk = try Conversation()
    _ = talk.send(.started(local: VersionVector()))
    #expect(try talk.greeted(VersionVector([log(3): 4])) == [.schedule(after: .seconds(1))])
    _ = talk.send(.tick, after: .seconds(1))
    #expect(try talk.greeted(VersionVector([log(3): 4])) == [.pull(request(log(3), from: 1))])

    var direct = try Conversation()
    _ = direct.send(.started(local: VersionVector()))
    _ = try direct.greeted(VersionVector([log(3): 4]))
    _ = direct.send(.localAdvanced(try at(3, 4)))
    _ = direct.send(.tick, after: .seconds(1))
    #expect(try direct.greeted(VersionVector([log(3): 4])) == [.schedule(after: .seconds(1))])
  }

  @Test func `a restored region takes its lost suffix back from its peers at once`() throws {
    var talk = try Conversation(incarnation: 2)
    let local = VersionVector([try log(1): 10])
    _ = talk.send(.started(local: local))
    #expect(try talk.greeted(VersionVector([log(1): 14]), local: local) == [.pull(request(log(1), from: 11))])
  }

  @Test func `a peer that knows more of this region's own log shows that a history was lost, once`() throws {
    var talk = try Conversation()
    let local = VersionVector([try log(1): 10])
    _ = talk.send(.started(local: local))
    let report = PullDriver.Action.report(.ownHistoryLost(try log(1)))
    #expect(try talk.greeted(VersionVector([log(1): 14]), local: local) == [report, .restartHistory(after: .first)])
    #expect(talk.send(.restarted(own: try log(1, 2))).last == .pull(request(try log(1), from: 11)))
  }

  @Test func `an entry that this region wrote since it asked is no lost history`() throws {
    var talk = try Conversation()
    _ = talk.send(.started(local: VersionVector([try log(1): 10])))
    let newer = VersionVector([try log(1): 11])
    #expect(try talk.greeted(newer, local: newer) == [.schedule(after: .seconds(1))])
  }

  @Test func `a peer whose own log went back is fenced; one that was overtaken while it answered is not`() throws {
    var talk = try Conversation()
    let held = VersionVector([try log(2): 8])
    _ = talk.send(.started(local: held))
    let fence = PullDriver.Action.report(.fenced(try log(2), .wentBack(held: 8, theirs: 5)))
    #expect(try talk.greeted(VersionVector([log(2): 5]), local: held) == [fence, .schedule(after: .seconds(1))])
    _ = talk.send(.tick, after: .seconds(1))
    #expect(try talk.greeted(VersionVector([log(2): 12]), local: held) == [.schedule(after: .seconds(1))], "still fenced")

    var overtaken = try Conversation()
    _ = overtaken.send(.started(local: VersionVector([try log(2): 5])))
    #expect(try overtaken.greeted(VersionVector([log(2): 5]), local: held) == [.schedule(after: .seconds(1))])
  }

  @Test func `a chain mismatch fences that log and no other, until an operator lifts it`() throws {
    var talk = try Conversation()
    _ = talk.send(.started(local: VersionVector()))
    let theirs = VersionVector([try log(2): 1, try log(2, 2): 1])
    _ = try talk.greeted(theirs)
    _ = talk.send(.batchReceived(try batch(registrations(1, origin: 2))))
    let mismatch = try at(2, 1)
    #expect(
      talk.send(.applied(.chainMismatch(at: mismatch))).filter { !$0.isHealth } == [
        .report(.fenced(try log(2), .chainMismatch(at: mismatch))), .pull(request(try log(2, 2), from: 1)),
      ])
    #expect(talk.driver.fenced == [try log(2)])
    #expect(talk.send(.unfenced(try log(2))) == [])
    #expect(talk.driver.fenced.isEmpty)
  }

  @Test func `answers that do not fit the question are a failure, and what a peer has collected needs a snapshot`() throws {
    func pulling() throws -> Conversation {
      var talk = try Conversation()
      let held = VersionVector([try log(2): 1])
      _ = talk.send(.started(local: held))
      #expect(try talk.greeted(VersionVector([log(2): 6]), local: held) == [.pull(request(log(2), from: 2))])
      return talk
    }
    let records = try registrations(6, origin: 2)
    var talk = try pulling()
    #expect(talk.send(.batchReceived(try batch(registrations(3, origin: 3)))).last == .schedule(after: .milliseconds(100)))
    talk = try pulling()
    #expect(talk.send(.batchReceived(try batch(records, count: 1))).last == .schedule(after: .milliseconds(100)))
    talk = try pulling()
    #expect(talk.send(.batchReceived(try batch(records, from: 4))).last == .schedule(after: .milliseconds(100)))
    talk = try pulling()
    let actions = talk.send(.trimmed).filter { !$0.isHealth }
    #expect(actions == [.report(.loadingSnapshot(try log(2))), .pullSnapshot(SnapshotRequest(after: nil, tagsMax: 4_096))])
  }

  @Test func `what a driver believed too much of is asked for again`() throws {
    var talk = try Conversation()
    let held = VersionVector([try log(2): 4])
    _ = talk.send(.started(local: held))
    _ = try talk.greeted(VersionVector([log(2): 6]), local: held)
    _ = talk.send(.batchReceived(try batch(registrations(6, origin: 2), from: 5)))
    let actions = talk.send(.applied(.gap(expected: try at(2, 3)))).filter { !$0.isHealth }
    #expect(actions == [.pull(request(try log(2), from: 3))])
  }

  @Test func `a catalog that differs is shown and does not stop replication`() throws {
    var talk = try Conversation()
    _ = talk.send(.started(local: VersionVector()))
    let hello = PeerHello(
      region: try region(2), incarnation: .first, catalogRevision: CatalogRevision(number: 5, hash: "beef"),
      vector: VersionVector([try log(2): 1]))
    #expect(talk.send(.helloAnswered(hello, local: VersionVector())).last == .pull(request(try log(2), from: 1)))
    #expect(talk.driver.health.catalogDiffers)
  }
}

@Suite struct DoorbellTests {
  @Test func `commits within the window ring once, with all that is new`() throws {
    var bell = Doorbell()
    #expect(bell.committed(try at(1, 1)) == [.schedule(after: .milliseconds(5))])
    #expect(bell.fired() == [.ring(head: try at(1, 1), newsFrom: 1)])
    #expect(bell.committed(try at(1, 2)) == [.schedule(after: .milliseconds(5))])
    #expect(bell.committed(try at(1, 4)) == [])
    #expect(bell.committed(try at(1, 3)) == [])
    #expect(bell.fired() == [.ring(head: try at(1, 4), newsFrom: 2)])
    #expect(bell.fired() == [])
    #expect(bell.committed(try at(1, 5)) == [.schedule(after: .milliseconds(5))])
  }

  @Test func `the first ring brings the newest entry, and a new log its beginning`() throws {
    var bell = Doorbell()
    _ = bell.committed(try at(1, 9))
    #expect(bell.fired() == [.ring(head: try at(1, 9), newsFrom: 9)])
    let next = LogPosition(log: try log(1, 2), seq: 3)
    _ = bell.committed(next)
    #expect(bell.fired() == [.ring(head: next, newsFrom: 1)])
  }

  @Test(arguments: [(64, 1), (65, nil), (0, nil)] as [(UInt64, UInt64?)])
  func `more than a few entries are pulled, and none are not given`(count: UInt64, first: UInt64?) throws {
    var bell = Doorbell()
    _ = bell.committed(try at(1, 10))
    _ = bell.fired()
    let head = try at(1, 10 + count)
    _ = bell.committed(head)
    #expect(bell.fired() == [.ring(head: head, newsFrom: first.map { $0 + 10 })])
  }

  @Test func `where rings take long, commits share the next`() throws {
    var bell = Doorbell(ringsMax: 2)
    for seq in UInt64(1)...2 {
      _ = bell.committed(try at(1, seq))
      #expect(bell.fired().count == 1)
    }
    #expect(bell.committed(try at(1, 3)) == [])
    #expect(bell.committed(try at(1, 4)) == [])
    #expect(bell.ended() == [.ring(head: try at(1, 4), newsFrom: 3)])
    #expect(bell.ended() == [])
    #expect(bell.committed(try at(1, 5)) == [.schedule(after: .milliseconds(5))])
  }
}

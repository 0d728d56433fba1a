import Residency

@testable import Directory

/// Regions, their network and their clients, driven by one seed. Time is in milliseconds.
struct SimulatedWorld {
  enum Occurrence {
    case arrival(Message, from: Int, to: Int)
    case timer(region: Int, peer: Int, number: Int, session: Int)
    case bell(region: Int, peer: Int, session: Int)
    case deadline(region: Int, peer: Int, call: Int, session: Int)
    /// The transaction of a batch commits, or fails.
    case transaction(region: Int, peer: Int, LogBatch, session: Int)
    case client(region: Int)
    case weather
    case backup(region: Int)
    case crash(region: Int)
    case restart(region: Int, fromBackup: Bool)
  }

  struct Options {
    var fault: PlantedFault?
    /// A restored region goes on in its old incarnation, as if nobody had noticed.
    var restoresUnnoticed = false
    /// Directed links that never open.
    var cutForGood: Set<[Int]> = []
  }

  let seed: UInt64
  let options: Options
  var random: SeededRandom
  var regions: [SimulatedRegion]
  var network: SimulatedNetwork
  var checker = SimulationChecker()
  private(set) var now = 0
  private var agenda = Agenda<Occurrence>()
  private var calls = 0
  private var freshTags = 100
  private(set) var occurrences = 0

  private static let stormEnd = 5_000
  private static let deadline = 300

  init(seed: UInt64, options: Options = Options()) throws {
    self.seed = seed
    self.options = options
    random = SeededRandom(seed: seed)
    let count = 3 + random.below(3)
    network = SimulatedNetwork(regionCount: count, random: &random)
    network.cutForGood = options.cutForGood
    regions = []
    for number in 1...count {
      let skew = 1_700_000_000_000 + UInt64(random.below(86_400_000))
      regions.append(SimulatedRegion(store: SimulatedStore(region: try region(number), fault: options.fault), clockSkew: skew))
    }
    scheduleStorm()
    for index in regions.indices { start(index) }
  }

  /// Lives through the storm, heals, and goes on until all regions agree or a minute has passed.
  mutating func run() throws {
    while let (time, occurrence) = agenda.next(until: Self.stormEnd) {
      now = time
      try happen(occurrence)
    }
    network.heal()
    for index in regions.indices where !regions[index].isUp { restart(index, fromBackup: false) }
    var end = Self.stormEnd
    while end < Self.stormEnd + 60_000 {
      end += 500
      while let (time, occurrence) = agenda.next(until: end) {
        now = time
        try happen(occurrence)
      }
      if Set(regions.map(\.store.vector)).count == 1 { break }
    }
    try checker.checkEnd(of: regions, unnoticedRestores: options.restoresUnnoticed)
  }

  private mutating func scheduleStorm() {
    for index in regions.indices {
      var time = random.below(300)
      while time < Self.stormEnd {
        agenda.add(.client(region: index), at: time)
        time += 50 + random.below(400)
      }
      if random.chance(30) {
        let time = random.below(Self.stormEnd)
        agenda.add(.crash(region: index), at: time)
        agenda.add(.restart(region: index, fromBackup: false), at: time + 1 + random.below(1_500))
      }
    }
    var time = random.below(500)
    while time < Self.stormEnd {
      agenda.add(.weather, at: time)
      time += 200 + random.below(1_200)
    }
    if options.restoresUnnoticed || random.chance(25) {
      let index = random.below(regions.count)
      let time = 500 + random.below(1_500)
      agenda.add(.backup(region: index), at: time)
      agenda.add(.crash(region: index), at: time + 1_000)
      agenda.add(.restart(region: index, fromBackup: true), at: time + 1_001 + random.below(800))
    }
  }

  private mutating func happen(_ occurrence: Occurrence) throws {
    occurrences += 1
    switch occurrence {
    case .arrival(let message, let from, let to): receive(message, from: from, at: to)
    case .timer(let index, let peer, let number, let session):
      guard isCurrent(index, session), regions[index].peers[peer]?.timer == number else { return }
      tell(index, peer, .tick)
    case .bell(let index, let peer, let session):
      guard isCurrent(index, session) else { return }
      for case .ring(let head) in regions[index].peers[peer]?.bell.fired() ?? [] { send(.ring(head), from: index, to: peer) }
    case .deadline(let index, let peer, let call, let session):
      guard isCurrent(index, session), regions[index].peers[peer]?.call == call else { return }
      regions[index].peers[peer]?.call = nil
      tell(index, peer, .failed(.timedOut))
    case .transaction(let index, let peer, let batch, let session):
      guard isCurrent(index, session) else { return }
      commit(batch, region: index, peer: peer)
    case .client(let index): if regions[index].isUp { try operate(index) }
    case .weather: network.changeWeather(&random)
    case .backup(let index): regions[index].backup = regions[index].store
    case .crash(let index): regions[index].isUp = false
    case .restart(let index, let fromBackup): restart(index, fromBackup: fromBackup)
    }
  }

  private func isCurrent(_ index: Int, _ session: Int) -> Bool { regions[index].isUp && regions[index].session == session }
}

// MARK: Starting and stopping

extension SimulatedWorld {
  private mutating func start(_ index: Int) {
    regions[index].session += 1
    regions[index].isUp = true
    regions[index].peers = [:]
    for peer in regions.indices where peer != index {
      let driver = PullDriver(
        own: regions[index].store.own, peer: regions[peer].store.region, catalogRevision: SimulatedRegion.catalog)
      regions[index].peers[peer] = SimulatedRegion.Peer(driver: driver)
      tell(index, peer, .started(local: regions[index].store.vector))
    }
  }

  private mutating func restart(_ index: Int, fromBackup: Bool) {
    if fromBackup, let backup = regions[index].backup {
      checker.historyIsLost(of: regions[index].store, backTo: backup)
      regions[index].store = backup
      if !options.restoresUnnoticed {
        regions[index].store.restartHistory(as: Incarnation(backup.incarnation.rawValue + 1))
      }
    } else if regions[index].isUp {
      return
    }
    start(index)
  }
}

// MARK: The shell: carries out what the drivers ask for

extension SimulatedWorld {
  private mutating func tell(_ index: Int, _ peer: Int, _ event: PullDriver.Event) {
    let actions = regions[index].peers[peer]?.driver.receive(event, now: .milliseconds(now)) ?? []
    for action in actions { perform(action, region: index, peer: peer) }
  }

  private mutating func perform(_ action: PullDriver.Action, region index: Int, peer: Int) {
    let session = regions[index].session
    switch action {
    case .sendHello: call(index, peer) { .hello(call: $0) }
    case .pull(let request): call(index, peer) { .pull(call: $0, request) }
    case .apply(let batch):
      agenda.add(.transaction(region: index, peer: peer, batch, session: session), at: now + 1 + random.below(8))
    case .acknowledge(let position): send(.acknowledge(position), from: index, to: peer)
    case .schedule(let pause):
      let number = (regions[index].peers[peer]?.timer ?? 0) + 1
      regions[index].peers[peer]?.timer = number
      agenda.add(.timer(region: index, peer: peer, number: number, session: session), at: now + pause.wholeMilliseconds)
    case .report(let report): checker.heard(report)
    }
  }

  private mutating func call(_ index: Int, _ peer: Int, _ message: (Int) -> Message) {
    calls += 1
    regions[index].peers[peer]?.call = calls
    agenda.add(
      .deadline(region: index, peer: peer, call: calls, session: regions[index].session), at: now + Self.deadline)
    send(message(calls), from: index, to: peer)
  }

  private mutating func send(_ message: Message, from: Int, to: Int) {
    for delay in network.delays(from, to, &random) {
      agenda.add(.arrival(network.carried(message, &random), from: from, to: to), at: now + delay)
    }
  }

  private mutating func receive(_ message: Message, from: Int, at index: Int) {
    guard regions[index].isUp else { return }
    switch message {
    case .hello(let call): send(.helloAnswer(call: call, regions[index].hello), from: index, to: from)
    case .pull(let call, let request):
      send(.pullAnswer(call: call, regions[index].store.answer(request)), from: index, to: from)
    case .helloAnswer(let call, let hello):
      guard isAnswer(call, index, from) else { return }
      tell(index, from, .helloAnswered(hello, local: regions[index].store.vector))
    case .pullAnswer(let call, let batch):
      guard isAnswer(call, index, from) else { return }
      tell(index, from, batch.map { .batchReceived($0) } ?? .nothingToPull)
    case .acknowledge(let position): checker.acknowledged(position, holder: regions[from].store, isUp: regions[from].isUp)
    case .ring(let head): tell(index, from, .doorbell(head: head))
    }
  }

  private mutating func isAnswer(_ call: Int, _ index: Int, _ peer: Int) -> Bool {
    guard regions[index].peers[peer]?.call == call else { return false }
    regions[index].peers[peer]?.call = nil
    return true
  }

  private mutating func commit(_ batch: LogBatch, region index: Int, peer: Int) {
    guard !random.chance(3) else { return tell(index, peer, .failed(.storeUnavailable)) }
    let before = regions[index].store.vector
    let decision = regions[index].store.apply(batch)
    checker.vectorMoved(from: before, to: regions[index].store.vector)
    if case .apply(_, let head) = decision {
      for other in regions[index].peers.keys.sorted() where other != peer {
        tell(index, other, .localAdvanced(LogPosition(log: batch.log, seq: head.seq)))
      }
    }
    tell(index, peer, .applied(decision.outcome(of: batch)))
  }
}

// MARK: Clients

extension SimulatedWorld {
  /// One operation of a client at its own region: it succeeds, or is refused for what this region's copy says.
  private mutating func operate(_ index: Int) throws {
    let writer = PlacementWriter(region: regions[index].store.region)
    let timestamp = regions[index].timestamp(now: now)
    let subject = try chooseSubject(index)
    let current = regions[index].store.current(subject)
    do {
      let entry: DirectoryEntry
      switch current == nil ? 9 : random.below(10) {
      case 0, 1: entry = try writer.move(current, to: regions[random.below(regions.count)].store.region, timestamp: timestamp)
      case 2: entry = try writer.freeze(current, timestamp: timestamp)
      case 3: entry = try writer.thaw(current, timestamp: timestamp)
      case 4: entry = try writer.erase(current, timestamp: timestamp)
      case 5 where current?.isContested == true:
        let births = current?.placements.map(\.birth) ?? []
        entry = try writer.resolve(current, keep: random.pick(births), timestamp: timestamp)
      default: entry = try writer.register(subject, current: current, timestamp: timestamp)
      }
      let before = regions[index].store.vector
      let record = regions[index].store.commit(entry)
      checker.vectorMoved(from: before, to: regions[index].store.vector)
      checker.committed(record, in: regions[index].store)
      for peer in regions[index].peers.keys.sorted() {
        tell(index, peer, .localAdvanced(record.position))
        for case .schedule(let pause) in regions[index].peers[peer]?.bell.committed(record.position) ?? [] {
          agenda.add(
            .bell(region: index, peer: peer, session: regions[index].session), at: now + pause.wholeMilliseconds)
        }
      }
    } catch {
      checker.refused(error, subject, at: regions[index].store)
    }
  }

  /// One of a few that all regions register, one that this region knows, or a new one.
  private mutating func chooseSubject(_ index: Int) throws -> SubjectTag {
    switch random.below(4) {
    case 0: return try tag(1 + random.below(6))
    case 1:
      freshTags += 1
      return try tag(freshTags)
    default:
      let known = regions[index].store.rows.keys.sorted()
      return known.isEmpty ? try tag(1) : random.pick(known)
    }
  }
}

extension Duration {
  /// Rounded up: a timer never fires early.
  var wholeMilliseconds: Int {
    Int(components.seconds) * 1_000 + Int((components.attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
  }
}

import Directory
import Residency

/// Regions, their network and their clients, driven by one seed. Time is in milliseconds.
struct SimulatedWorld {
  enum Occurrence {
    case arrival(Message, from: Int, to: Int)
    case timer(region: Int, peer: Int, number: Int, session: Int)
    case bell(region: Int, peer: Int, session: Int)
    case ringEnd(region: Int, peer: Int, session: Int)
    case deadline(region: Int, peer: Int, call: Int, session: Int)
    /// A transaction that a driver asked for commits, or fails.
    case transaction(region: Int, peer: Int, Work, session: Int)
    case client(region: Int)
    case maintenance(region: Int)
    case weather
    case backup(region: Int)
    case crash(region: Int)
    case restart(region: Int, fromBackup: Bool)
    case join
    case drain(region: Int)
    /// It burns down, and is given up by the others.
    case lose(region: Int)
  }

  enum Work {
    case batch(LogBatch)
    case page(SnapshotPage, basis: SnapshotBasis)
    case adopt(SnapshotBasis)
    case restart(after: Incarnation)
    case cutBack(LogPosition)
  }

  let scenario: SimulationScenario
  var random: SeededRandom
  var regions: [SimulatedRegion]
  var network: SimulatedNetwork
  var checker = SimulationChecker()
  var sessions: [SimulatedSession]
  private(set) var now = 0
  private var agenda = Agenda<Occurrence>()
  var calls = 0
  private let tellsStory: Bool
  /// What the drivers reported, and what happened to the regions: to read what led to a failure.
  private(set) var story: [String] = []
  var freshTags = 100
  private(set) var occurrences = 0
  let retention: LogRetention
  let floorRule: FloorRule

  static let stormEnd = 5_000
  private static let peaceMax = 60_000

  /// - Parameter tellsStory: whether ``story`` is kept.
  init(_ scenario: SimulationScenario, tellsStory: Bool = false) throws {
    self.scenario = scenario
    self.tellsStory = tellsStory
    random = SeededRandom(seed: scenario.seed)
    let count = 3 + random.below(3)
    network = SimulatedNetwork(regionCount: count, random: &random)
    network.cutForGood = Set(scenario.cutForGood.map { $0.map { $0 - 1 } })
    // Some worlds keep hardly any log, so that whoever lags needs a snapshot; some forget the dead soon.
    retention =
      random.chance(50)
      ? LogRetention(bytesMax: LogRetention.bytesPerEntry * UInt64(5 + random.below(40)), entriesMin: 60)
      : LogRetention(entriesMin: 60)
    floorRule = FloorRule(keptFor: random.chance(60) ? .milliseconds(200 + random.below(1_500)) : .seconds(3_600))
    regions = []
    sessions = (0..<4).map { _ in SimulatedSession() }
    for number in 1...count { try addRegion(number) }
    scheduleStorm()
    for index in regions.indices { start(index) }
  }

  mutating func addRegion(_ number: Int) throws {
    // Hours apart: time stamps decide nothing.
    let skew = 1_700_000_000_000 + UInt64(random.below(86_400_000))
    regions.append(SimulatedRegion(store: SimulatedStore(region: try .numbered(number), fault: scenario.fault), clockSkew: skew))
  }

  mutating func tell(_ line: (SimulatedWorld) -> String) {
    if tellsStory { story.append("\(now) \(line(self))") }
  }

  mutating func schedule(_ occurrence: Occurrence, after pause: Int) { agenda.add(occurrence, at: now + pause) }

  /// Lives through the storm, heals, and goes on until all regions agree or a minute has passed.
  mutating func run() throws {
    try live(until: Self.stormEnd)
    network.heal()
    for index in regions.indices where !regions[index].isUp && !regions[index].isGone { restart(index, fromBackup: false) }
    var end = Self.stormEnd
    while end < Self.stormEnd + Self.peaceMax {
      end += 500
      try live(until: end)
      if isSettled { break }
    }
    try checker.checkEnd(of: regions.filter { !$0.isGone }, gone: Set(regions.filter(\.isGone).map(\.store.region)))
  }

  private mutating func live(until end: Int) throws {
    while let (time, occurrence) = agenda.next(until: end) {
      now = time
      try happen(occurrence)
    }
    now = end
  }

  private var isSettled: Bool {
    let members = regions.filter { !$0.isGone }
    guard let first = members.first, !members.contains(where: \.isDraining) else { return false }
    return members.allSatisfy {
      $0.store.heads == first.store.heads && $0.store.floors.pending.isEmpty && $0.store.rows == first.store.rows
        && $0.store.documents == first.store.documents
    }
  }

  private mutating func scheduleStorm() {
    for index in regions.indices { scheduleClients(index, from: random.below(300)) }
    for index in regions.indices where random.chance(30) {
      let time = random.below(Self.stormEnd)
      agenda.add(.crash(region: index), at: time)
      agenda.add(.restart(region: index, fromBackup: false), at: time + 1 + random.below(1_500))
    }
    var time = random.below(500)
    while time < Self.stormEnd {
      agenda.add(.weather, at: time)
      time += 200 + random.below(1_200)
    }
    if random.chance(20) { agenda.add(.join, at: 1_000 + random.below(3_000)) }
    // One of these at most: a history that is lost twice is lost.
    let victim = random.below(regions.count)
    if scenario.restoresUnnoticed || random.chance(25) {
      let time = 500 + random.below(1_500)
      agenda.add(.backup(region: victim), at: time)
      let age = random.pick([1_000, 3_000])
      agenda.add(.crash(region: victim), at: time + age)
      agenda.add(.restart(region: victim, fromBackup: true), at: time + age + 1 + random.below(800))
    } else if random.chance(15) {
      agenda.add(.drain(region: victim), at: 1_500 + random.below(2_000))
    } else if random.chance(10) {
      agenda.add(.lose(region: victim), at: 1_500 + random.below(2_500))
    }
  }

  mutating func scheduleClients(_ index: Int, from first: Int) {
    var time = first
    while time < Self.stormEnd {
      agenda.add(.client(region: index), at: time)
      time += 50 + random.below(400)
    }
    agenda.add(.maintenance(region: index), at: first + random.below(200))
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
      perform(regions[index].peers[peer]?.bell.fired() ?? [], region: index, peer: peer)
    case .ringEnd(let index, let peer, let session):
      guard isCurrent(index, session) else { return }
      perform(regions[index].peers[peer]?.bell.ended() ?? [], region: index, peer: peer)
    case .deadline(let index, let peer, let call, let session):
      guard isCurrent(index, session), regions[index].peers[peer]?.call == call else { return }
      regions[index].peers[peer]?.call = nil
      tell(index, peer, .failed(.timedOut))
    case .transaction(let index, let peer, let work, let session):
      guard isCurrent(index, session) else { return }
      carryOut(work, region: index, peer: peer)
    case .client(let index): if regions[index].isUp { try operate(index) }
    case .maintenance(let index): maintain(index)
    case .weather: network.changeWeather(&random)
    case .backup(let index): regions[index].backup = regions[index].store
    case .crash(let index): if !regions[index].isGone { regions[index].isUp = false }
    case .restart(let index, let fromBackup): restart(index, fromBackup: fromBackup)
    case .join: try join()
    case .drain(let index): drain(index)
    case .lose(let index): lose(index)
    }
  }

  private func isCurrent(_ index: Int, _ session: Int) -> Bool { regions[index].isUp && regions[index].session == session }
}

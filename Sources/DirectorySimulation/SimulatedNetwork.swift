import Directory
import Residency

/// What one region sends another. A call's number pairs an answer with its question, as a connection does.
enum Message {
  /// With what the asking region holds.
  case hello(call: Int, VersionVector, cuts: Set<LogCut>)
  case helloAnswer(call: Int, PeerHello, heads: [LogID: AppliedHead], cuts: Set<LogCut>)
  case pull(call: Int, PullRequest)
  case pullAnswer(call: Int, PullAnswer)
  case snapshot(call: Int, SnapshotRequest)
  case snapshotAnswer(call: Int, SnapshotPage)
  case chains(call: Int, LogID, at: [UInt64])
  case chainsAnswer(call: Int, LogID, ChainComparison.Extent, [UInt64: ChainHash])
  /// Asks for what differs from the digest.
  case compare([UInt8: DigestSum])
  case differences([Placement], [DocumentFact], FactsBasis)
  case acknowledge(LogPosition)
  case ring(LogPosition, news: LogBatch?)
}

enum PullAnswer {
  case batch(LogBatch)
  case nothing
  case trimmed
}

/// Who reaches whom, and how well. Directed: a link may be open one way only.
struct SimulatedNetwork {
  var regionCount: Int
  var lossPercent: Int
  var duplicatePercent: Int
  var damagePercent: Int
  /// Links that no healing opens.
  var cutForGood: Set<[Int]> = []
  private var cut: Set<[Int]> = []
  /// A link that goes down and up again all the time.
  private var flapping: [Int]?

  init(regionCount: Int, random: inout SeededRandom) {
    self.regionCount = regionCount
    lossPercent = random.pick([0, 2, 20])
    duplicatePercent = random.pick([0, 10])
    damagePercent = random.pick([0, 3])
  }

  func isOpen(_ from: Int, _ to: Int, at time: Int) -> Bool {
    let isDown = flapping.map { Set($0) == [from, to] && (time / 60).isMultiple(of: 2) } ?? false
    return !isDown && !cut.contains([from, to]) && !cutForGood.contains([from, to])
  }

  mutating func heal() {
    cut = []
    flapping = nil
    lossPercent = min(lossPercent, 2)
    damagePercent = 0
  }

  /// Cuts what one of the usual disasters cuts.
  mutating func changeWeather(_ random: inout SeededRandom) {
    cut = []
    flapping = nil
    let all = Array(0..<regionCount)
    switch random.below(8) {
    case 0: isolate([random.pick(all)])
    case 1: isolate(Array(all.shuffled(using: &random).prefix(regionCount / 2)))
    case 2: for region in all { isolate([region]) }
    case 3: cut.insert([random.pick(all), random.pick(all)])
    case 4:
      // A bridge: two sides that only one region reaches.
      let bridge = random.pick(all)
      for from in all where from != bridge {
        for to in all where to != bridge && (from < bridge) != (to < bridge) { cut.insert([from, to]) }
      }
    case 5:
      let (one, other) = (random.pick(all), random.pick(all))
      cut.formUnion([[one, other], [other, one]])
    case 6: flapping = [random.pick(all), random.pick(all)]
    default: break
    }
  }

  /// Milliseconds after which each copy of a message arrives; none where it is lost.
  func delays(_ from: Int, _ to: Int, at time: Int, _ random: inout SeededRandom) -> [Int] {
    guard isOpen(from, to, at: time), !random.chance(lossPercent) else { return [] }
    func delay(_ random: inout SeededRandom) -> Int { random.chance(10) ? random.below(400) : 1 + random.below(30) }
    return random.chance(duplicatePercent) ? [delay(&random), delay(&random)] : [delay(&random)]
  }

  /// The message as it arrives: a bit of a batch may have turned over.
  func carried(_ message: Message, _ random: inout SeededRandom) -> Message {
    switch message {
    case .pullAnswer(let call, .batch(let batch)) where random.chance(damagePercent):
      .pullAnswer(call: call, .batch(damaged(batch, &random)))
    case .ring(let head, let news?) where random.chance(damagePercent): .ring(head, news: damaged(news, &random))
    default: message
    }
  }

  private func damaged(_ batch: LogBatch, _ random: inout SeededRandom) -> LogBatch {
    var entries = batch.entries
    let index = random.below(entries.count)
    entries[index][random.below(entries[index].count)] ^= 1 << UInt8(random.below(8))
    return LogBatch(
      origin: batch.origin, incarnation: batch.incarnation, first: batch.first, last: batch.last,
      previousChain: batch.previousChain, entries: entries, crc: batch.crc)
  }

  private mutating func isolate(_ group: [Int]) {
    for from in 0..<regionCount {
      for to in 0..<regionCount where group.contains(from) != group.contains(to) { cut.insert([from, to]) }
    }
  }
}

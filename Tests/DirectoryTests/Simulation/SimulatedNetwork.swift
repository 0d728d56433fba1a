import Residency

@testable import Directory

/// What one region sends another. A call's number pairs an answer with its question, as a connection does.
enum Message {
  case hello(call: Int)
  case helloAnswer(call: Int, PeerHello)
  case pull(call: Int, PullRequest)
  case pullAnswer(call: Int, LogBatch?)
  case acknowledge(LogPosition)
  case ring(LogPosition)
}

/// Who reaches whom, and how well. Directed: a link may be open one way only.
struct SimulatedNetwork {
  let regionCount: Int
  var lossPercent: Int
  var duplicatePercent: Int
  var damagePercent: Int
  /// Links that no healing opens.
  var cutForGood: Set<[Int]> = []
  private var cut: Set<[Int]> = []

  init(regionCount: Int, random: inout SeededRandom) {
    self.regionCount = regionCount
    lossPercent = random.pick([0, 2, 20])
    duplicatePercent = random.pick([0, 10])
    damagePercent = random.pick([0, 3])
  }

  func isOpen(_ from: Int, _ to: Int) -> Bool { !cut.contains([from, to]) && !cutForGood.contains([from, to]) }

  mutating func heal() {
    cut = []
    lossPercent = min(lossPercent, 2)
    damagePercent = 0
  }

  /// Cuts what one of the usual disasters cuts.
  mutating func changeWeather(_ random: inout SeededRandom) {
    cut = []
    let all = Array(0..<regionCount)
    switch random.below(7) {
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
    default: break
    }
  }

  /// Milliseconds after which each copy of a message arrives; none where it is lost.
  func delays(_ from: Int, _ to: Int, _ random: inout SeededRandom) -> [Int] {
    guard isOpen(from, to), !random.chance(lossPercent) else { return [] }
    func delay(_ random: inout SeededRandom) -> Int { random.chance(10) ? random.below(400) : 1 + random.below(30) }
    return random.chance(duplicatePercent) ? [delay(&random), delay(&random)] : [delay(&random)]
  }

  /// The message as it arrives: a bit of a batch may have turned over.
  func carried(_ message: Message, _ random: inout SeededRandom) -> Message {
    guard case .pullAnswer(let call, let batch?) = message, random.chance(damagePercent) else { return message }
    var entries = batch.entries
    let index = random.below(entries.count)
    entries[index][random.below(entries[index].count)] ^= 1 << UInt8(random.below(8))
    return .pullAnswer(
      call: call,
      LogBatch(
        origin: batch.origin, incarnation: batch.incarnation, first: batch.first, last: batch.last,
        previousChain: batch.previousChain, entries: entries, crc: batch.crc))
  }

  private mutating func isolate(_ group: [Int]) {
    for from in 0..<regionCount {
      for to in 0..<regionCount where group.contains(from) != group.contains(to) { cut.insert([from, to]) }
    }
  }
}

import Residency
import Testing

@testable import Directory

func region(_ number: Int) throws -> RegionOrdinal { try #require(RegionOrdinal(number)) }

func log(_ origin: Int, _ incarnation: UInt32 = 1) throws -> LogID {
  LogID(origin: try region(origin), incarnation: Incarnation(incarnation))
}

func at(_ origin: Int, _ seq: UInt64, incarnation: UInt32 = 1) throws -> LogPosition {
  LogPosition(log: try log(origin, incarnation), seq: seq)
}

func tag(_ number: Int) throws -> SubjectTag {
  var bytes = [UInt8](repeating: 0, count: 16)
  bytes[15] = UInt8(truncatingIfNeeded: number)
  bytes[14] = UInt8(truncatingIfNeeded: number >> 8)
  return try #require(SubjectTag(bytes))
}

func placement(
  _ number: Int = 1, birth: LogPosition, epoch: UInt64 = 1, home: Int, state: PlacementState = .active,
  position: LogPosition? = nil, covers: Coverage = .none
) throws -> Placement {
  Placement(
    tag: try tag(number), birth: birth, epoch: Epoch(epoch), home: try region(home), state: state,
    position: position ?? birth, covers: covers)
}

let noon = HybridTimestamp(milliseconds: 1_700_000_000_000)

/// 32 bytes that depend on every input byte and its place; fast, and collides only on purpose. Real chains use SHA-256.
let testDigest: Digest = { input in
  var lanes: [UInt64] = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344, 0xa409_3822_299f_31d0, 0x082e_fa98_ec4e_6c89]
  var word: UInt64 = UInt64(input.count)
  func mix(_ word: UInt64) {
    lanes[0] = (lanes[0] ^ word) &* 0x9e37_79b9_7f4a_7c15
    lanes[1] = (lanes[1] &+ (lanes[0] >> 29)) &* 0xbf58_476d_1ce4_e5b9
    lanes[2] ^= (lanes[1] << 17) &+ lanes[0]
    lanes[3] = (lanes[3] &+ lanes[2]) ^ (lanes[1] >> 31)
  }
  for (index, byte) in input.enumerated() {
    word = word << 8 | UInt64(byte)
    if index & 7 == 7 { mix(word) }
  }
  for _ in 0..<3 { mix(word) }
  return lanes.flatMap { lane in (0..<8).map { UInt8(truncatingIfNeeded: lane >> ($0 * 8)) } }
}

/// A log of `count` registrations by the region `origin`, of tags from `firstTag` on.
func registrations(_ count: Int, origin: Int, incarnation: UInt32 = 1, firstTag: Int = 1) throws -> [LogRecord] {
  let id = try log(origin, incarnation)
  var own = OwnLog(id, head: .start(of: id, digest: testDigest), digest: testDigest)
  let writer = PlacementWriter(region: id.origin)
  return try (0..<count).map { own.append(.placement(try writer.register(tag(firstTag + $0), current: nil, timestamp: noon))) }
}

/// What a peer would send of `records` (a whole log) from `first` on.
func batch(_ records: [LogRecord], from first: Int = 1, count: Int = .max) throws -> LogBatch {
  let id = try #require(records.first).position.log
  let previous = first == 1 ? ChainHash.start(of: id, digest: testDigest) : records[first - 2].chain
  let rows = records.dropFirst(first - 1).prefix(count).map(\.bytes)
  return try #require(LogBatch(log: id, first: UInt64(first), previousChain: previous, rows: rows))
}

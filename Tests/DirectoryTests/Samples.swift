import Residency
import Testing

@testable import Directory
@testable import DirectorySimulation

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

/// A log of `count` registrations by the region `origin`, of tags from `firstTag` on.
func registrations(_ count: Int, origin: Int, incarnation: UInt32 = 1, firstTag: Int = 1) throws -> [LogRecord] {
  let id = try log(origin, incarnation)
  var own = OwnLog(id, head: .start(of: id, digest: simulatedDigest), digest: simulatedDigest)
  let writer = PlacementWriter(region: id.origin)
  return try (0..<count).map { own.append(.placement(try writer.register(tag(firstTag + $0), current: nil, timestamp: noon))) }
}

/// What a peer would send of `records` (a whole log) from `first` on.
func batch(_ records: [LogRecord], from first: Int = 1, count: Int = .max) throws -> LogBatch {
  let id = try #require(records.first).position.log
  let previous = first == 1 ? ChainHash.start(of: id, digest: simulatedDigest) : records[first - 2].chain
  let rows = records.dropFirst(first - 1).prefix(count).map(\.bytes)
  return try #require(LogBatch(log: id, first: UInt64(first), previousChain: previous, rows: rows))
}

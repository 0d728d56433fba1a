import Residency
import Testing

@testable import Directory
@testable import DirectorySimulation

private func randomEntry(_ random: inout SeededRandom) throws -> DirectoryEntry {
  let kind = random.pick(DirectoryEntry.Kind.allCases)
  var covers: [LogPosition: Coverage.Height] = [:]
  for index in 0..<(kind == .register ? 0 : random.below(4)) {
    covers[try at(1 + index, random.next() >> 1 | 1)] = .init(epoch: Epoch(1 + random.next() >> 2), isErased: random.chance(50))
  }
  let state: PlacementState = kind == .erase ? .erased : kind == .change && random.chance(50) ? .frozen : .active
  return DirectoryEntry(
    kind: kind, tag: try tag(random.below(60_000)), birth: kind == .register ? nil : try at(40, 1 + random.next() >> 2),
    epoch: kind == .register ? .first : Epoch(2 + random.next() >> 2), home: try region(kind == .move ? 65_535 : 9),
    state: state, covers: Coverage(covers),
    timestamp: HybridTimestamp(milliseconds: random.next(), counter: UInt16(truncatingIfNeeded: random.next())))
}

private func decode(_ bytes: [UInt8], origin: Int = 9) throws -> DirectoryFormatError? {
  let origin = try region(origin)
  do throws(DirectoryFormatError) {
    _ = try DirectoryEntry(decoding: bytes, origin: origin)
    return nil
  } catch { return error }
}

@Suite struct EncodingTests {
  @Test func `every entry comes back from its bytes, and has only one form`() throws {
    for seed in UInt64(0)..<500 {
      var random = SeededRandom(seed: seed)
      let entry = try randomEntry(&random)
      let bytes = entry.encoded
      let decoded = try DirectoryEntry(decoding: bytes, origin: region(9))
      #expect(decoded == entry, "seed \(seed)")
      #expect(decoded.encoded == bytes, "seed \(seed)")
    }
  }

  @Test func `a registration has these bytes`() throws {
    let entry = try PlacementWriter(region: region(2)).register(
      tag(0x0102), current: nil, timestamp: HybridTimestamp(milliseconds: 3, counter: 4))
    let expected =
      "010101" + String(repeating: "00", count: 14) + "0102" + String(repeating: "00", count: 14) + "0000000000000001" + "0002"
      + "0000000000000003" + "0004" + "00"
    #expect(entry.encoded.hex == expected)
  }

  @Test func `an entry cut anywhere is truncated, and one with a byte more has trailing bytes`() throws {
    var random = SeededRandom(seed: 4)
    for _ in 0..<20 {
      let bytes = try randomEntry(&random).encoded
      for length in 0..<bytes.count {
        guard case .truncated(_, found: length) = try decode(Array(bytes.prefix(length))) else {
          Issue.record("\(length) of \(bytes.count) bytes were not called truncated")
          continue
        }
      }
      #expect(try decode(bytes + [0]) == .trailingBytes(1))
    }
  }

  @Test func `unknown versions, kinds and states are named`() throws {
    let bytes = try PlacementWriter(region: region(9)).register(tag(1), current: nil, timestamp: noon).encoded
    func with(_ index: Int, _ value: UInt8) -> [UInt8] {
      var copy = bytes
      copy[index] = value
      return copy
    }
    #expect(try decode(with(0, 2)) == .unknownVersion(2))
    #expect(try decode(with(1, 9)) == .unknownKind(9))
    #expect(try decode(with(2, 0)) == .unknownState(0))
    #expect(try decode(with(2, 3)) == .contradictory(.registrationIsNotFirst))
    #expect(try decode(with(40, 0)) == .invalid(.epoch))
    #expect(try decode(with(40, 2)) == .contradictory(.registrationIsNotFirst))
    #expect(try decode(with(33, 0x80)) == .invalid(.epoch), "an epoch that no database can store")
    #expect(try decode(with(42, 0)) == .invalid(.region))
    #expect(try decode(with(20, 1)) == .contradictory(.registrationIsNotFirst))
  }

  @Test func `an entry in the log of a region that may not write it is refused`() throws {
    let here = try PlacementWriter(region: region(9))
    let registered = try here.register(tag(1), current: nil, timestamp: noon)
    let settled = PlacementSet.settled(registered.placement(at: try at(9, 1)))
    #expect(try decode(registered.encoded, origin: 3) == .contradictory(.writtenElsewhere))
    #expect(try decode(here.erase(settled, timestamp: noon).encoded, origin: 3) == .contradictory(.writtenElsewhere))
    let moved = try here.move(settled, to: region(3), timestamp: noon)
    #expect(try decode(moved.encoded) == nil)
    #expect(try decode(moved.encoded, origin: 3) == .contradictory(.moveToSelf))
  }

  @Test func `no bytes crash the decoders`() throws {
    for seed in UInt64(0)..<3_000 {
      var random = SeededRandom(seed: seed)
      var bytes = try randomEntry(&random).encoded
      for _ in 0..<(1 + random.below(4)) { bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next()) }
      let noise = (0..<random.below(80)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      for candidate in [bytes, noise, [1] + noise, [1, 0, UInt8(random.below(9))] + noise] {
        let origin = try region(9)
        if let entry = try? DirectoryEntry(decoding: candidate, origin: origin) { #expect(entry.encoded == candidate) }
        if let vector = try? VersionVector(decoding: candidate) { #expect(vector.encoded == candidate) }
        if let coverage = try? Coverage(decoding: candidate) { #expect(coverage.encoded == candidate) }
      }
    }
  }

  @Test func `CRC-32C gives the published check values`() {
    func crc(_ bytes: [UInt8]) -> UInt32 {
      var crc = CRC32C()
      crc.update(bytes)
      return crc.value
    }
    #expect(crc(Array("123456789".utf8)) == 0xe306_9283)
    #expect(crc([UInt8](repeating: 0, count: 32)) == 0x8a91_36aa)
    #expect(crc([UInt8](repeating: 0xff, count: 32)) == 0x62a8_ab43)
  }
}

@Suite struct VersionVectorTests {
  @Test func `vectors compare as before, after, equal or concurrent`() throws {
    let a = VersionVector([try log(1): 3, try log(2): 1])
    let b = VersionVector([try log(1): 3, try log(2): 2])
    let c = VersionVector([try log(1): 4])
    #expect(a.compare(to: a) == .equal)
    #expect(a.compare(to: b) == .before)
    #expect(b.compare(to: a) == .after)
    #expect(b.compare(to: c) == .concurrent)
    #expect(VersionVector().compare(to: a) == .before)
    #expect(VersionVector([try log(1): 0]) == VersionVector(), "0 is the same as not named")
    #expect(b.joined(with: c) == c.joined(with: b))
    #expect(b.joined(with: c).dominates(b) && b.joined(with: c).dominates(c))
    #expect(a.entriesMissing(from: b.joined(with: c)) == 2)
    #expect(try a.compare(to: VersionVector([log(1, 2): 1])) == .concurrent, "another incarnation is another log")
  }

  @Test func `advancing never goes back`() throws {
    var vector = VersionVector()
    vector.advance(to: try at(1, 5))
    vector.advance(to: try at(1, 3))
    #expect(vector[try log(1)] == 5)
    #expect(try vector.includes(at(1, 5)) && !vector.includes(at(1, 6)))
  }

  @Test func `a vector comes back from its bytes, and malformed bytes are told apart`() throws {
    let vector = VersionVector([try log(2): 1, try log(1, 2): 7, try log(1): UInt64(Int64.max)])
    let bytes = vector.encoded
    #expect(try VersionVector(decoding: bytes) == vector)
    #expect(vector.json.canonicalText == #"{"1/1":"9223372036854775807","1/2":"7","2/1":"1"}"#)
    func failure(_ bytes: [UInt8]) -> DirectoryFormatError? {
      do throws(DirectoryFormatError) {
        _ = try VersionVector(decoding: bytes)
        return nil
      } catch { return error }
    }
    #expect(failure([]) == .truncated(needed: 1, found: 0))
    #expect(failure(Array(bytes.dropLast())) == .truncated(needed: 45, found: 44))
    #expect(failure(bytes + [9]) == .trailingBytes(1))
    #expect(failure([9] + bytes.dropFirst()) == .unknownVersion(9))
    #expect(failure([1, 0, 1] + bytes[17..<31] + bytes[3..<17]) == .trailingBytes(14))
    #expect(failure([1, 0, 2] + bytes[17..<31] + bytes[3..<17]) == .unordered)
    #expect(failure([1, 0, 2] + bytes[3..<17] + bytes[3..<17]) == .unordered, "the same log twice")
    #expect(failure([1, 0, 1] + [0, 0, 0, 0, 0, 1] + [UInt8](repeating: 1, count: 8)) == .invalid(.region))
    #expect(failure([1, 0, 1] + [0, 1, 0, 0, 0, 0] + [UInt8](repeating: 1, count: 8)) == .invalid(.incarnation))
    #expect(failure([1, 0, 1] + [0, 1, 0, 0, 0, 1] + [UInt8](repeating: 0, count: 8)) == .invalid(.seq))
    #expect(failure([1, 0, 1] + [0, 1, 0, 0, 0, 1] + [UInt8](repeating: 255, count: 8)) == .invalid(.seq))
  }
}

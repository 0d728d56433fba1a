import Residency
import Testing

@testable import Directory
@testable import DirectorySimulation

@Suite struct BatchVerifierTests {
  private func verifier() throws -> BatchVerifier { BatchVerifier(own: try log(9), digest: simulatedDigest) }
  private func head(_ record: LogRecord) -> AppliedHead { AppliedHead(seq: record.position.seq, chain: record.chain) }

  @Test func `a batch that follows what is held is applied, record for record`() throws {
    let records = try registrations(5, origin: 1)
    #expect(try verifier().decide(batch(records), applied: nil) == .apply(records, newHead: head(records[4])))
    #expect(
      try verifier().decide(batch(records, from: 3), applied: head(records[1]))
        == .apply(Array(records[2...]), newHead: head(records[4])))
  }

  @Test func `of an overlapping batch only the new suffix is applied`() throws {
    let records = try registrations(5, origin: 1)
    #expect(
      try verifier().decide(batch(records, from: 2), applied: head(records[2]))
        == .apply(Array(records[3...]), newHead: head(records[4])))
    #expect(try verifier().decide(batch(records), applied: head(records[4])) == .alreadyApplied)
    #expect(try verifier().decide(batch(records, count: 2), applied: head(records[4])) == .alreadyApplied)
  }

  @Test func `a batch after a gap is not applied, and says what to ask for`() throws {
    let records = try registrations(5, origin: 1)
    #expect(try verifier().decide(batch(records, from: 3), applied: head(records[0])) == .gap(expected: 2))
    #expect(try verifier().decide(batch(records, from: 2), applied: nil) == .gap(expected: 1))
  }

  @Test func `a history that differs anywhere before the batch is a chain mismatch`() throws {
    let records = try registrations(5, origin: 1)
    let other = try registrations(5, origin: 1, firstTag: 100)
    #expect(try verifier().decide(batch(other, from: 3), applied: head(records[1])) == .chainMismatch(at: at(1, 2)))
    #expect(try verifier().decide(batch(other, from: 1), applied: head(records[2])) == .chainMismatch(at: at(1, 3)))
    #expect(try verifier().decide(batch(other), applied: head(records[4])) == .chainMismatch(at: at(1, 5)))
    // The start of a chain names its log: the first batch of another log does not fit.
    let foreign = try batch(registrations(2, origin: 2))
    let relabelled = try #require(
      LogBatch(log: log(1), first: 1, previousChain: foreign.previousChain, rows: foreign.entries))
    #expect(try verifier().decide(relabelled, applied: nil) == .chainMismatch(at: LogPosition(log: log(1), seq: 0)))
  }

  @Test func `damage in transit is found by the checksum, wherever it is`() throws {
    let good = try batch(registrations(2, origin: 1))
    for index in 0..<good.entries[1].count {
      var entries = good.entries
      entries[1][index] ^= 0x10
      let bad = LogBatch(
        origin: good.origin, incarnation: good.incarnation, first: good.first, last: good.last,
        previousChain: good.previousChain, entries: entries, crc: good.crc)
      #expect(try verifier().decide(bad, applied: nil) == .corrupt(.checksum))
    }
  }

  @Test func `malformed batches are corrupt, never a crash`() throws {
    let good = try batch(registrations(2, origin: 1))
    func with(first: UInt64? = nil, last: UInt64? = nil, incarnation: UInt32 = 1, entries: [[UInt8]]? = nil) -> LogBatch {
      let (first, last, entries) = (first ?? good.first, last ?? good.last, entries ?? good.entries)
      let incarnation = Incarnation(incarnation)
      return LogBatch(
        origin: good.origin, incarnation: incarnation, first: first, last: last, previousChain: good.previousChain,
        entries: entries,
        crc: LogBatch.checksum(
          origin: good.origin, incarnation: incarnation, first: first, last: last, previousChain: good.previousChain,
          entries: entries))
    }
    let verifier = try verifier()
    #expect(verifier.decide(with(entries: []), applied: nil) == .corrupt(.empty))
    #expect(verifier.decide(with(last: 5), applied: nil) == .corrupt(.count))
    #expect(verifier.decide(with(first: 0, last: 1), applied: nil) == .corrupt(.position))
    #expect(verifier.decide(with(first: 9, last: 8), applied: nil) == .corrupt(.position))
    #expect(verifier.decide(with(first: .max - 1, last: .max), applied: nil) == .corrupt(.position))
    #expect(verifier.decide(with(incarnation: 0), applied: nil) == .corrupt(.position))
    let many = [[UInt8]](repeating: [1], count: LogBatch.entriesMax + 1)
    #expect(verifier.decide(with(last: UInt64(many.count), entries: many), applied: nil) == .corrupt(.tooLarge))
    let large = [[UInt8]](repeating: [UInt8](repeating: 0, count: LogBatch.bytesMax), count: 2)
    #expect(verifier.decide(with(entries: large), applied: nil) == .corrupt(.tooLarge))
  }

  @Test func `entries before one that cannot be read are applied; then it is named`() throws {
    let records = try registrations(3, origin: 1)
    var newer = records[2].bytes
    newer[0] = 2
    let mixed = try #require(
      LogBatch(
        log: log(1), first: 1, previousChain: .start(of: log(1), digest: simulatedDigest),
        rows: [records[0].bytes, records[1].bytes, newer]))
    #expect(try verifier().decide(mixed, applied: nil) == .apply(Array(records[..<2]), newHead: head(records[1])))
    #expect(
      try verifier().decide(mixed, applied: head(records[1])) == .unreadable(at: at(1, 3), .unknownVersion(2)))
  }

  @Test func `nobody else's copy of a region's own log is applied`() throws {
    let records = try registrations(2, origin: 9)
    #expect(try verifier().decide(batch(records), applied: nil) == .ownLog)
    let earlier = BatchVerifier(own: try log(9, 2), digest: simulatedDigest)
    #expect(try earlier.decide(batch(records), applied: nil) == .apply(records, newHead: head(records[1])))
  }

  @Test func `a sender stops at the limits of a batch`() throws {
    let row = [UInt8](repeating: 7, count: 1_000)
    let previous = ChainHash.start(of: try log(1), digest: simulatedDigest)
    let full = LogBatch(log: try log(1), first: 5, previousChain: previous, rows: Array(repeating: row, count: 4_000))
    #expect(full?.entries.count == LogBatch.bytesMax / 1_000)
    #expect(full?.last == UInt64(4 + LogBatch.bytesMax / 1_000))
    #expect(LogBatch(log: try log(1), first: 5, previousChain: previous, rows: []) == nil)
  }
}

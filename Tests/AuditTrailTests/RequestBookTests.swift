import AuditTrail
import Cryptography
import Residency
import Testing

@Suite struct RequestBookTests {
  private static func numbers(_ text: String) throws -> NumberRanges { try #require(NumberRanges(text)) }

  @Test func `ranges have one form`() throws {
    for text in ["1", "1-2", "1-3,7", "5,7-9,11"] { #expect(NumberRanges(text)?.description == text) }
    for text in ["", ",", "1-", "-1", "2-1", "1-1", "1,2", "1-2,3", "3,1", "01", "1-2-3", "18446744073709551615", "+1", " 1"] {
      #expect(NumberRanges(text) == nil, "\(text)")
    }
  }

  @Test func `what has ended without a leaf is accounted for, up to the first that has not ended`() throws {
    var book = RequestBook()
    #expect(book.account == nil)
    let numbers = (0..<6).map { _ in book.take() }
    #expect(numbers == [1, 2, 3, 4, 5, 6])
    book.end(1, nil)
    book.end(2, .passed)
    book.end(3, .failed)
    book.end(5, .passed)
    let first = try #require(book.account)
    #expect(first == AuditEvent.Account(through: 3, passed: try Self.numbers("2"), failed: try Self.numbers("3")))
    #expect(book.account == first, "it is said again until it is in the log")
    book.settle(first)
    #expect(book.account == nil)
    book.end(4, nil)
    #expect(book.account == AuditEvent.Account(through: 5, passed: try Self.numbers("5")))
  }

  @Test func `an account fits into a leaf, and the rest is said next`() throws {
    var book = RequestBook()
    var excused = NumberRanges()
    for _ in 1...10_000 {
      let number = book.take()
      book.end(number, number.isMultiple(of: 2) ? .passed : nil)
    }
    #expect(book.isLong)
    var through: UInt64 = 0
    while let account = book.account {
      #expect(account.through > through)
      through = account.through
      var event = try SampleLog.event(0)
      event.account = account
      #expect(try AuditEvent(leaf: try event.leafBytes()).account == account)
      excused.formUnion(account.passed)
      book.settle(account)
    }
    #expect(through == 10_000 && excused.count == 5_000)
  }
}

@Suite struct RequestTallyTests {
  /// A tile of leaves of one coordinator: requests by their numbers, accounts, a stop.
  private static func tile(_ events: [AuditEvent]) throws -> LeafTileReading {
    let leaves = try events.map { try $0.leafBytes() }
    return try #require(
      LeafTileReading(
        0, treeSize: leaves.count, entries: .bytes(try EntryBundle.encode(leaves)),
        hashes: .bytes(leaves.flatMap { MerkleTree.leafHash($0).bytes }), for: LeafInterest(completeness: true)))
  }

  private static func event(_ number: UInt64, _ edit: (inout AuditEvent) -> Void = { _ in }) throws -> AuditEvent {
    var event = try SampleLog.event(0)
    event.request = AuditEvent.RequestNumber(coordinator: "c", number: number)
    edit(&event)
    return event
  }

  private static func tally(_ events: [AuditEvent]) throws -> RequestTally {
    var tally = RequestTally()
    tally.add(try tile(events))
    return tally
  }

  private static func account(_ through: UInt64, passed: String = "", failed: String = "") throws -> AuditEvent {
    try event(0) { event in
      event.activity = .account
      event.account = AuditEvent.Account(
        through: through, passed: NumberRanges(passed) ?? NumberRanges(), failed: NumberRanges(failed) ?? NumberRanges())
    }
  }

  @Test func `a request without a leaf and without an account is missing`() throws {
    let tally = try Self.tally([1, 2, 4, 7, 9].map { try Self.event($0) } + [try Self.account(8, passed: "3", failed: "6")])
    #expect(tally.missing.map(\.coordinator) == ["c"])
    #expect(tally.missing.map(\.numbers.description) == ["5,8"])
    #expect(tally.unaccounted.map(\.from) == [9])
    #expect(tally.recordedCount == 5)
  }

  @Test func `before an account nothing is missing, and after a stop everything that is not there`() throws {
    let running = try Self.tally([try Self.event(1), try Self.event(3)])
    #expect(running.missing.isEmpty && running.unaccounted.map(\.from) == [1])
    let stop = try Self.event(0) { $0.activity = .stop }
    let stopped = try Self.tally([try Self.event(1), try Self.event(3), stop])
    #expect(stopped.missing.map(\.numbers.description) == ["2"] && stopped.unaccounted.isEmpty)
  }

  @Test func `a leaf counts, though its coordinator believed that it had failed`() throws {
    #expect(try Self.tally([try Self.event(1), try Self.event(2), try Self.account(2, failed: "2")]).missing.isEmpty)
  }
}

@Suite struct TransferReconciliationTests {
  private static let home = AuditEvent.Place(region: RegionID("eu-west"), jurisdiction: Jurisdiction("IE"))
  private static let abroad = AuditEvent.Place(region: RegionID("us-east"), jurisdiction: Jurisdiction("US"))

  private static func transfers(_ events: [AuditEvent]) throws -> (LogTransfers, [SHA256Digest]) {
    let leaves = try events.map { try $0.leafBytes() }
    let tile = try #require(
      LeafTileReading(
        0, treeSize: leaves.count, entries: .bytes(try EntryBundle.encode(leaves)),
        hashes: .bytes(leaves.flatMap { MerkleTree.leafHash($0).bytes }), for: LeafInterest(completeness: true)))
    var transfers = LogTransfers()
    transfers.add(tile)
    return (transfers, leaves.map { MerkleTree.leafHash($0) })
  }

  private static func event(_ activity: AuditActivity, at time: Int64, by place: AuditEvent.Place) throws -> AuditEvent {
    var event = AuditEvent(
      time: UTCTime(milliseconds: time), id: "x", activity: activity, effect: .allowed, requester: place,
      salt: try #require(AuditEvent.Salt([UInt8](repeating: 1, count: 16))))
    event.request = AuditEvent.RequestNumber(coordinator: "c", number: 0)
    return event
  }

  /// The exporter's log with one read from abroad, and an importer's that may or may not have the other side.
  private static func logs(
    importing edit: (inout AuditEvent, SHA256Digest) -> Void, isImported: Bool = true
  ) throws -> TransferReconciliation.Outcome {
    var read = try event(.read, at: 1_000, by: abroad)
    read.home = home
    let late = try event(.operate, at: 500_000, by: home)
    let (exporter, hashes) = try transfers([try event(.start, at: 0, by: home), read, late])
    var received = try event(.importRecord, at: 1_010, by: abroad)
    received.home = home
    received.counterpart = AuditEvent.Counterpart(region: try #require(home.region), index: 1, leafHash: hashes[1])
    edit(&received, hashes[1])
    let start = try event(.start, at: 0, by: abroad)
    let end = try event(.operate, at: 500_000, by: abroad)
    let (importer, _) = try transfers(isImported ? [start, received, end] : [start, end])
    return TransferReconciliation.compare([exporter, importer])
  }

  @Test func `two sides of a transfer that agree are found`() throws {
    let outcome = try Self.logs { _, _ in }
    #expect(outcome.agreeing == 1 && outcome.findings.isEmpty && outcome.observations.isEmpty)
  }

  @Test func `an import of another leaf than the exporter has is a violation`() throws {
    let outcome = try Self.logs { event, _ in event.counterpart?.leafHash = SHA256.digest(of: [9]) }
    #expect(outcome.findings.map(\.finding.code) == ["other_side_differs"])
    #expect(outcome.findings.allSatisfy { $0.finding.exit == .violations && $0.region.rawValue == "us-east" })
  }

  @Test func `an import of a leaf that the exporter does not have is a violation`() throws {
    let outcome = try Self.logs { event, _ in event.counterpart?.index = 2 }
    #expect(outcome.findings.map(\.finding.code) == ["other_side_missing"])
  }

  @Test func `a disclosure that nobody has recorded abroad is told`() throws {
    let outcome = try Self.logs(importing: { _, _ in }, isImported: false)
    #expect(outcome.findings.isEmpty)
    #expect(outcome.observations.map(\.region.rawValue) == ["eu-west"])
  }
}

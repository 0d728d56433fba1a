import AuditTrail
import Cryptography
import Residency
import Testing

@Suite struct LeafIndexTests {
  private static func index(_ events: [AuditEvent]) -> (block: LeafIndexBlock, names: LeafIndexNames) {
    var block = LeafIndexBlock()
    var names = LeafIndexNames()
    for (index, event) in events.enumerated() { block.append(LeafOutline(event, index: index), &names) }
    return (block, names)
  }

  private static var queries: [AuditQuery] {
    func query(_ edit: (inout AuditQuery) -> Void) -> AuditQuery {
      var query = AuditQuery()
      edit(&query)
      return query
    }
    return [
      query { _ in }, query { $0.effect = .denied }, query { $0.effect = .allowed }, query { $0.principal = "shop" },
      query { $0.principal = "nobody" }, query { $0.toRegion = RegionID("us-east") },
      query { $0.fromRegion = RegionID("eu-west") },
      query { $0.fromRegion = RegionID("nowhere") }, query { $0.isMonitored = true }, query { $0.isMonitored = false },
      query { $0.since = UTCTime(milliseconds: 1_795_355_334_012 + 60) },
      query { $0.until = UTCTime(milliseconds: 1_795_355_334_012 + 60) },
      query { $0.pseudonyms = [] }, query { $0.pseudonyms = [SHA256.digest(of: [3]), SHA256.digest(of: [99])] },
      query { $0.isDisclosureOrRefusal = true },
      query {
        $0.pseudonyms = [SHA256.digest(of: [3])]
        $0.effect = .denied
        $0.toRegion = RegionID("us-east")
      },
    ]
  }

  @Test(arguments: queries.indices) func `an index finds what reading all leaves finds`(number: Int) throws {
    var events = try (0..<300).map(SampleLog.event)
    events[7].monitored = AuditEvent.Monitored(effect: .denied, rules: [], redactions: [])
    let (block, names) = Self.index(events)
    let query = Self.queries[number]
    let expected = events.indices.filter { query.matches(events[$0]) }
    #expect(block.candidates(query, names) == expected)
    let read = try LeafIndexBlock(bytes: block.bytes)
    let namesRead = LeafIndexNames(principals: names.principals, regions: names.regions)
    #expect(read.candidates(query, namesRead) == expected)
  }

  @Test func `a leaf that cannot be read is never passed over`() throws {
    let (indexed, names) = Self.index(try (0..<10).map(SampleLog.event))
    var block = indexed
    block.appendUnreadable()
    for query in Self.queries { #expect(block.candidates(query, names).contains(10)) }
  }

  @Test func `an index that was changed is not used`() throws {
    let bytes = Self.index(try (0..<10).map(SampleLog.event)).block.bytes
    for position in stride(from: 0, to: bytes.count, by: 7) {
      var changed = bytes
      changed[position] ^= 1
      #expect(throws: FormatError.self) { try LeafIndexBlock(bytes: changed) }
    }
    for count in [0, 10, 40, bytes.count - 1] {
      #expect(throws: FormatError.self) { try LeafIndexBlock(bytes: Array(bytes.prefix(count))) }
    }
  }

  @Test func `a verification goes on where the last one ended`() throws {
    for (before, after) in [(1, 5), (256, 256), (300, 700), (512, 513), (1_000, 1_300), (65_536, 65_800)] {
      let first = try SampleLog(size: before)
      let prefix = try #require(try first.verify(for: .nothing).report.verified)
      let kept = try VerifiedPrefix(try JSONValue(parsing: prefix.json.canonicalBytes))
      let report = try SampleLog(size: after).verify(resuming: kept, for: .nothing).report
      #expect(report.exit == .verified, "\(report.findings)")
      #expect(report.leavesVerifiedBefore == before / 256 * 256)
      #expect(report.leavesVerified == after - before / 256 * 256)
    }
  }

  @Test func `a log that is another than the one verified before is noticed`() throws {
    for size in [256, 300, 512] {
      let prefix = try #require(try SampleLog(size: size).verify(for: .nothing).report.verified)
      let other = try SampleLog(size: 700) { index, event in if index == 3 { event.reason = "CHANGED" } }
      #expect(try other.verify(resuming: prefix, for: .nothing).report.exit == .tampered)
      let shorter = try SampleLog(size: size - 1)
      let report = try shorter.verify(resuming: prefix, for: .nothing).report
      #expect(report.findings.contains(.rolledBack(earlierSize: size, size: size - 1)))
    }
  }
}

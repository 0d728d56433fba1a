import AuditTrail
import Cryptography
import Residency
import Testing

@Suite struct AuditEventTests {
  private func fullEvent() throws -> AuditEvent {
    var event = try SampleLog.event(1)
    event.reason = "POLICY_DENIED"
    event.effect = .denied
    event.policyRevision = "sha256:abc"
    event.hops = [
      AuditEvent.Hop(
        from: AuditEvent.Place(region: RegionID("eu-west"), jurisdiction: Jurisdiction("IE")),
        to: AuditEvent.Place(region: RegionID("us-east"), jurisdiction: Jurisdiction("US"))),
      AuditEvent.Hop(
        from: AuditEvent.Place(region: RegionID("us-east"), jurisdiction: Jurisdiction("US")),
        to: AuditEvent.Place(jurisdiction: Jurisdiction("CA-QC"))),
    ]
    event.home = AuditEvent.Place(region: RegionID("ca-east"), jurisdiction: Jurisdiction("CA-QC"))
    event.legalBasis = "GDPR Art. 45"
    event.safeguard = Safeguard("adequacy")
    event.classes = [DataClass("contact"), DataClass("profile")]
    event.redactions = [AuditEvent.Redaction(field: "email", view: .hash), AuditEvent.Redaction(field: "ip", view: .drop)]
    event.recordVersion = .max
    event.subjectEpoch = Epoch(9_007_199_254_740_993)
    event.directoryVersion = "1:44,2:17"
    event.counterpart = AuditEvent.Counterpart(
      region: try #require(RegionID("us-east")), index: 7, leafHash: SHA256.digest(of: [1]))
    event.sealedDetails = [1, 2, 3, 255]
    event.agreement = AuditEvent.Agreement(id: "us-scc", reference: "clauses 2021/914")
    event.setup = AuditEvent.Setup(catalogHash: SHA256.digest(of: [1]), logKey: "0a0b0c0d", witnessKey: "01020304")
    var facts = AuditEvent.DecisionFacts(action: .store)
    facts.citizenship = try ["CA", "DE"].map { try #require(Jurisdiction($0)) }
    facts.consent = .explicit
    facts.fields = .named(["*", "email"])
    facts.firstWrite = Jurisdiction("IE")
    facts.home = AuditEvent.Place(region: RegionID("us-east"), jurisdiction: Jurisdiction("US"))
    facts.wasOutdated = true
    facts.purpose = Purpose("service")
    facts.residence = Jurisdiction("CA")
    facts.subdivision = Jurisdiction("CA-QC")
    facts.recipients = [AuditEvent.Place(jurisdiction: Jurisdiction("CA-QC")), AuditEvent.Place(region: RegionID("eu-west"))]
    facts.transferred = [.init(dataClass: .any, people: .max), .init(dataClass: DataClass("profile"), people: 0)]
    event.facts = facts
    event.operation = "compare_directory us-east"
    event.account = AuditEvent.Account(through: 9, passed: NumberRanges(3...4), failed: NumberRanges(7...7))
    return event
  }

  @Test func `every field comes back from the leaf as it went`() throws {
    let event = try fullEvent()
    #expect(try AuditEvent(leaf: try event.leafBytes()) == event)
  }

  @Test func `the key of a document comes back, and stands in the leaf as it is`() throws {
    var event = try fullEvent()
    event.documentKey = "holiday"
    let leaf = try event.leafBytes()
    #expect(try AuditEvent(leaf: leaf) == event)
    #expect(try JSONValue(parsing: leaf)["unmapped"]?["document"] == "holiday")
  }

  @Test func `what rules that only watch would have done comes back, and can be asked for`() throws {
    var event = try fullEvent()
    let unwatched = event
    event.monitored = AuditEvent.Monitored(
      effect: .allowed, rules: [AuditEvent.Rule(id: "eu.new", location: "policies/new.yaml:7")],
      redactions: [AuditEvent.Redaction(field: "email", view: .hash)])
    #expect(try AuditEvent(leaf: try event.leafBytes()) == event)
    var query = AuditQuery()
    query.isMonitored = true
    #expect(query.matches(event) && !query.matches(unwatched))
  }

  @Test(arguments: AuditActivity.allCases)
  func `a leaf about no subject is possible, for every activity`(activity: AuditActivity) throws {
    let salt = try #require(AuditEvent.Salt([UInt8](repeating: 1, count: 16)))
    let place = AuditEvent.Place(region: RegionID("eu-west"), jurisdiction: Jurisdiction("IE"))
    let event = AuditEvent(
      time: UTCTime(milliseconds: 0), id: "1", activity: activity, effect: .allowed, requester: place, salt: salt)
    #expect(try AuditEvent(leaf: try event.leafBytes()) == event)
    #expect(try JSONValue(parsing: try event.leafBytes())["type_uid"]?.numberValue == Double(600_500 + activity.ocsfID))
  }

  @Test func `a leaf is in canonical form`() throws {
    for event in [try fullEvent(), try SampleLog.event(1)] {
      let leaf = try event.leafBytes()
      #expect(try JSONValue(parsing: leaf).canonicalBytes == leaf)
    }
  }

  @Test func `the leaf is an OCSF Datastore Activity of the pinned release`() throws {
    let json = try JSONValue(parsing: try fullEvent().leafBytes())
    #expect(json["class_uid"] == 6005 && json["category_uid"] == 6 && json["activity_id"] == 1 && json["type_uid"] == 600_501)
    #expect(json["metadata"]?["version"] == "1.3.0" && json["metadata"]?["uid"] == "event-1")
    #expect(json["metadata"]?["product"]?["vendor_name"] == "Domicile")
    #expect(json["time"] == .number(1_795_355_334_013))
    #expect(json["status_id"] == 2 && json["status_code"] == "POLICY_DENIED" && json["severity_id"] == 2)
    #expect(json["actor"]?["user"]?["uid"] == "support-desk")
    #expect(json["src_endpoint"]?["uid"] == "us-east" && json["src_endpoint"]?["location"]?["country"] == "US")
    #expect(json["dst_endpoint"]?["location"]?["region"] == "CA-QC" && json["dst_endpoint"]?["location"]?["country"] == "CA")
    #expect(json["table"]?["name"] == "profile")
    #expect(json["unmapped"]?["record_version"] == "18446744073709551615")
  }

  /// A golden leaf: a change of the format makes old logs unreadable, so it must be meant.
  @Test func `the bytes of a leaf do not change from one build to the next`() throws {
    let leaf = try fullEvent().leafBytes()
    #expect(
      MerkleTree.leafHash(leaf).description == "cefc7c5287041470ac829d095eddf11f86d1ea11257f63b17782551cfb45d1b2",
      "\(String(decoding: leaf, as: UTF8.self))")
  }

  @Test func `a leaf in any other form is refused, with the attribute that is wrong`() throws {
    let text = String(decoding: try fullEvent().leafBytes(), as: UTF8.self)
    let changes: [(String, String, String)] = [
      ("\"class_uid\":6005", "\"class_uid\":6003", "class_uid"),
      ("\"version\":\"1.3.0\"", "\"version\":\"1.4.0\"", "metadata.version"),
      ("\"effect\":\"denied\"", "\"effect\":\"maybe\"", "unmapped.effect"),
      ("\"activity\":\"read\"", "\"activity\":\"reed\"", "unmapped.activity"),
      ("\"time\":1795355334013", "\"time\":1795355334013.5", "time"), ("\"time\":1795355334013,", "", "time is missing"),
      ("\"epoch\":\"9007199254740993\"", "\"epoch\":9007199254740993", "unmapped.subject.epoch"),
      ("{\"activity_id\"", "{ \"activity_id\"", "not canonical"),
      ("{\"activity_id\"", "{\"a\":1,\"activity_id\"", "not canonical"),
      ("\"activity_id\":1", "\"activity_id\":2", "not canonical"),
      ("\"view\":\"drop\"", "\"view\":\"dropp\"", "unmapped.redactions[1].view"),
      ("\"country\":\"US\"", "\"country\":\"XX\"", "location.country"),
      ("\"period\":\"2026-11\"", "\"period\":\"2026-13\"", "unmapped.subject.period"), ("}", "", "not a JSON document"),
    ]
    for (from, to, problem) in changes {
      #expect(text.contains(from), "\(from)")
      do throws(FormatError) {
        _ = try AuditEvent(leaf: Array(text.replacing(from, with: to, maxReplacements: 1).utf8))
        Issue.record("\(to) is accepted")
      } catch {
        #expect(error.description.contains(problem), "\(error)")
      }
    }
  }

  @Test func `an event too long for a log's entry is refused`() throws {
    var event = try fullEvent()
    event.sealedDetails = [UInt8](repeating: 0, count: 60_000)
    #expect(throws: FormatError.self) { try event.leafBytes() }
  }

  @Test func `a pseudonym is of one subject, one key and one month`() throws {
    let tag = try #require(SubjectTag([UInt8](repeating: 1, count: 16)))
    let otherTag = try #require(SubjectTag([UInt8](repeating: 2, count: 16)))
    let key = RootKey(try #require(SymmetricKey(bytes: [UInt8](repeating: 3, count: 32))))
    let otherKey = RootKey(try #require(SymmetricKey(bytes: [UInt8](repeating: 4, count: 32))))
    let november = try #require(AuditPeriod("2026-11"))
    let december = try #require(AuditPeriod("2026-12"))
    let base = try AuditPseudonym(of: tag, auditKey: key, period: november)
    #expect(try base == AuditPseudonym(of: tag, auditKey: key, period: november))
    let others = [
      try AuditPseudonym(of: otherTag, auditKey: key, period: november),
      try AuditPseudonym(of: tag, auditKey: otherKey, period: november),
      try AuditPseudonym(of: tag, auditKey: key, period: december),
    ]
    #expect(Set(([base] + others).map(\.code)).count == 4)
    #expect(AuditPeriod("2026-00") == nil && AuditPeriod("2026-1") == nil && AuditPeriod("26-011") == nil)
  }

  @Test func `times are written and read in UTC only`() throws {
    let cases: [(Int64, String)] = [
      (0, "1970-01-01T00:00:00.000Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
      (1_795_355_334_012, "2026-11-22T13:48:54.012Z"),
      (4_107_542_399_999, "2100-02-28T23:59:59.999Z"), (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
      (-1, "1969-12-31T23:59:59.999Z"),
    ]
    for (milliseconds, text) in cases {
      #expect(UTCTime(milliseconds: milliseconds).description == text)
      if milliseconds >= 0 { #expect(UTCTime(text)?.milliseconds == milliseconds) }
    }
    #expect(UTCTime("2026-11-22")?.description == "2026-11-22T00:00:00.000Z")
    #expect(UTCTime("2026-11-22T13:48Z")?.description == "2026-11-22T13:48:00.000Z")
    for text in [
      "", "2026", "2026-02-29", "2026-13-01", "2026-11-22T13:48", "2026-11-22T13:48+01:00", "2026-11-22T24:00Z", "2026-11-31",
    ] {
      #expect(UTCTime(text) == nil, "\(text)")
    }
    var random = SeededRandom(seed: 3)
    for _ in 0..<2000 {
      let time = UTCTime(milliseconds: Int64(random.next() % 7_000_000_000_000))
      #expect(UTCTime(time.description) == time)
    }
  }
}

import AuditTrail
import Cryptography
import Residency
import Testing

@Suite struct LeafOutlineTests {
  /// Events with and without each attribute.
  static func event(_ random: inout SeededRandom) throws -> AuditEvent {
    func perhaps<Value>(_ value: @autoclosure () -> Value) -> Value? { random.next(2) == 0 ? nil : value() }
    func place() -> AuditEvent.Place {
      AuditEvent.Place(
        region: perhaps(RegionID(["eu-west", "us", "ap-south-2"][random.next(3)])).flatMap { $0 },
        jurisdiction: perhaps(Jurisdiction(["IE", "CA-QC", "US"][random.next(3)])).flatMap { $0 })
    }
    func facts() -> AuditEvent.DecisionFacts {
      var facts = AuditEvent.DecisionFacts(action: Action.allCases[random.next(Action.allCases.count)])
      facts.citizenship = (0..<random.next(3)).compactMap { Jurisdiction(["CA", "DE", "CA-QC"][$0]) }
      facts.consent = perhaps([.none, .explicit, .implied][random.next(3)])
      facts.fields = [.all, .none, .named(["*"]), .named(["a", "b.c"])][random.next(4)]
      facts.firstWrite = perhaps(Jurisdiction("CA-QC")).flatMap { $0 }
      facts.home = perhaps(place())
      facts.wasOutdated = random.next(2) == 0
      facts.purpose = perhaps(Purpose("service"))
      facts.residence = perhaps(Jurisdiction("IE")).flatMap { $0 }
      facts.subdivision = perhaps(Jurisdiction("CA-QC")).flatMap { $0 }
      facts.recipients = (0..<random.next(3)).map { _ in place() }
      facts.transferred = (0..<random.next(3)).map { .init(dataClass: DataClass("class\($0)"), people: UInt64($0)) }
      return facts
    }
    func rules() -> [AuditEvent.Rule] {
      (0..<random.next(3)).map { AuditEvent.Rule(id: "rule.\($0)", location: "policies/a.yaml:\($0)") }
    }
    func redactions() -> [AuditEvent.Redaction] {
      (0..<random.next(3)).map {
        AuditEvent.Redaction(field: "field\($0)", view: View.allCases[random.next(View.allCases.count)])
      }
    }
    var event = AuditEvent(
      time: UTCTime(milliseconds: Int64(random.next(1 << 40))), id: "id-\(random.next(1000))",
      activity: AuditActivity.allCases[random.next(AuditActivity.allCases.count)],
      effect: random.next(2) == 0 ? .allowed : .denied,
      requester: place(), salt: try #require(AuditEvent.Salt((0..<16).map { _ in UInt8(random.next(256)) })))
    event.reason = perhaps("POLICY_DENIED")
    event.rules = rules()
    event.monitored = perhaps(
      AuditEvent.Monitored(effect: random.next(2) == 0 ? .allowed : .denied, rules: rules(), redactions: redactions()))
    event.policyRevision = perhaps("sha256:00")
    event.home = perhaps(place())
    event.hops = (0..<random.next(3)).map { _ in AuditEvent.Hop(from: place(), to: place()) }
    event.purpose = perhaps(Purpose("support"))
    event.legalBasis = perhaps("contract")
    event.safeguard = perhaps(Safeguard("scc"))
    event.agreement = perhaps(AuditEvent.Agreement(id: "us-scc", reference: "clauses 2021/914"))
    event.collection = perhaps(CollectionName("profile"))
    event.classes = (0..<random.next(3)).map { DataClass("class\($0)") }
    event.redactions = redactions()
    event.facts = perhaps(facts()).flatMap { $0 }
    event.operation = perhaps("count_subjects")
    event.recordVersion = perhaps(UInt64(random.next(1 << 50)))
    event.documentKey = perhaps("holiday")
    event.subject = perhaps(
      AuditPseudonym(
        period: AuditPeriod(containing: UTCTime(milliseconds: 1_795_355_334_012)),
        code: SHA256.digest(of: [UInt8(random.next(256))])))
    event.subjectEpoch = event.subject == nil ? nil : perhaps(Epoch(UInt64(random.next(9))))
    event.directoryVersion = perhaps("eu-west:12")
    event.principal = perhaps("shop")
    event.request = perhaps(AuditEvent.RequestNumber(coordinator: "c-\(random.next(9))", number: UInt64(random.next(1 << 50))))
    let other = try #require(RegionID("us-east"))
    event.counterpart = perhaps(
      AuditEvent.Counterpart(
        region: other, index: perhaps(UInt64(random.next(1 << 40))),
        leafHash: perhaps(SHA256.digest(of: [1]))))
    event.sealedDetails = perhaps((0..<random.next(40) + 1).map { _ in UInt8(random.next(256)) })
    return event
  }

  @Test func `the outline of a leaf that is scanned is the outline of its event`() throws {
    var random = SeededRandom(seed: 7)
    for number in 0..<2_000 {
      let event = try Self.event(&random)
      let leaf = try event.leafBytes()
      #expect(
        LeafOutline.scanned(leaf, index: number) == LeafOutline(event, index: number), "\(String(decoding: leaf, as: UTF8.self))")
    }
  }

  /// Otherwise a leaf would pass a verification that no reader could read.
  @Test func `what the scanner accepts, the reader accepts, and reads the same`() throws {
    var random = SeededRandom(seed: 8)
    var accepted = 0
    for number in 0..<8_000 {
      var leaf = try Self.event(&random).leafBytes()
      let other = try Self.event(&random).leafBytes()
      for _ in 0...random.next(2) {
        let at = random.next(leaf.count)
        switch random.next(5) {
        case 0: leaf[at] = UInt8(random.next(256))
        case 1: leaf[at] = leaf[random.next(leaf.count)]
        case 2: leaf.remove(at: at)
        case 3: leaf.insert(leaf[random.next(leaf.count)], at: at)
        default: leaf.replaceSubrange(at..., with: other.suffix(other.count * (leaf.count - at) / leaf.count))
        }
      }
      guard let outline = LeafOutline.scanned(leaf, index: number) else { continue }
      accepted += 1
      let text = String(decoding: leaf, as: UTF8.self)
      do {
        #expect(LeafOutline(try AuditEvent(leaf: leaf), index: number) == outline, "\(text)")
      } catch {
        Issue.record("accepted, and cannot be read: \(error)\n\(text)")
      }
    }
    #expect(accepted > 300, "changes inside texts leave a leaf")
  }

  @Test func `a leaf in another than the plain form is left to the reader`() throws {
    var random = SeededRandom(seed: 9)
    var event = try Self.event(&random)
    event.principal = "büro \"eins\""
    let leaf = try event.leafBytes()
    #expect(LeafOutline.scanned(leaf, index: 0) == nil)
    let entries = try EntryBundle.encode([leaf])
    let hashes = HashTileBytes.of([leaf])
    let tile = try #require(
      LeafTileReading(0, treeSize: 1, entries: .bytes(entries), hashes: .bytes(hashes), for: LeafInterest(outlines: true)))
    #expect(tile.outlines == [LeafOutline(event, index: 0)])
  }
}

/// A tile of leaf hashes.
private enum HashTileBytes {
  static func of(_ leaves: [[UInt8]]) -> [UInt8] { leaves.flatMap { MerkleTree.leafHash($0).bytes } }
}

extension SeededRandom {
  fileprivate mutating func next(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
}

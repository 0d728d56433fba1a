import AuditTrail
import PolicyEngine
import Residency
import Testing

@testable import Coordinator

/// A form that is remembered says of each call what one that is written for it alone would.
@Suite struct LeafOccasionTests {
  /// Each differs from the first in one thing.
  private static func occasions(_ inForce: PoliciesInForce) throws -> [LeafOccasion] {
    let home = try CallFixture.call().region.home
    func decision(_ consent: ConsentKind?) -> Decision {
      inForce.decide(
        AccessRequest(
          action: .read, home: home, hops: [home], collection: CollectionName("notes"), purpose: Purpose("service"),
          principal: "app", consent: .known(consent), now: CalendarDate(secondsSince1970: 1_796_000_000)))
    }
    let usual = Recorded(
      activity: .read, decision: decision(nil), purpose: Purpose("service"), collection: CollectionName("notes"))
    func changed(_ change: (inout Recorded) -> Void) -> Recorded {
      var recorded = usual
      change(&recorded)
      return recorded
    }
    let recorded = [
      usual,
      changed { $0.activity = .write },
      changed { $0.refusal = .noSuchRecord },
      changed { $0.decision = decision(.explicit) },
      changed { $0.decision = nil },
      changed { $0.purpose = nil },
      changed { $0.collection = CollectionName("profile") },
      changed { $0.documentKey = "terms" },
      changed { $0.redactions = [Redaction(field: "name", view: .drop)] },
    ]
    let callers = [
      // One text to Swift, two to whoever reads the log.
      try CallFixture.call(principal: Principal(name: "Jos\u{e9}", purposes: []), inForce: inForce),
      try CallFixture.call(principal: Principal(name: "Jose\u{301}", purposes: []), inForce: inForce),
      try CallFixture.call(asking: "us-east", inForce: inForce),
      try CallFixture.call(principal: Principal(name: "other", purposes: []), inForce: inForce),
      try CallFixture.call(principal: Principal(name: "app", purposes: [], jurisdiction: Jurisdiction("US")), inForce: inForce),
    ]
    let call = try CallFixture.call(inForce: inForce)
    return recorded.map { LeafOccasion($0, of: call) } + callers.map { LeafOccasion(usual, of: $0) }
  }

  private static func particulars(_ number: UInt64) throws -> AuditEvent.Particulars {
    AuditEvent.Particulars(
      time: UTCTime(milliseconds: 1_796_000_000_000 + Int64(number)), id: .digits([UInt8(number)]),
      request: AuditEvent.RequestNumber(coordinator: "eu-west/test", number: number),
      salt: try #require(AuditEvent.Salt([UInt8](repeating: UInt8(number), count: 16))))
  }

  @Test func `calls of one occasion share a form, and those of another do not`() throws {
    let inForce = try CallFixture.inForce()
    let region = try CallFixture.call().region
    let occasions = try Self.occasions(inForce)
    var seen: Set<LeafRow> = []
    for round: UInt64 in 0..<3 {
      for (number, occasion) in occasions.enumerated() {
        // Of another call than the one for which the form was written.
        let own = try Self.particulars(10 * round + 7)
        let row = inForce.form(of: occasion, own, in: region).row(own, sealedDetails: nil)
        let alone = occasion.event(own, in: region, by: inForce.set)
        #expect(row == alone.row, "\(number)")
        #expect(try AuditEvent(leaf: row.leaf()) == alone, "\(number)")
        #expect(seen.insert(row).inserted, "\(number) says no more than another")
      }
    }
  }

  @Test func `a decision that is remembered is the same object, so its form is found again`() throws {
    let inForce = try CallFixture.inForce()
    let (first, again) = (try Self.occasions(inForce), try Self.occasions(inForce))
    #expect(first == again)
    #expect(Set(first).count == first.count)
    #expect(try Self.occasions(try CallFixture.inForce())[0] != first[0])
  }

  @Test func `also a denial while policies are outdated is decided once`() throws {
    let inForce = PoliciesInForce(try CallFixture.inForce().set, isOutdated: true)
    let call = try CallFixture.call()
    let abroad = try #require(RegionID("us-east").flatMap { call.region.catalog[$0] })
    let request = AccessRequest(
      action: .read, home: call.region.home, hops: [Place(region: abroad.id, jurisdiction: abroad.jurisdiction)],
      collection: CollectionName("notes"), purpose: Purpose("service"), principal: "app",
      now: CalendarDate(secondsSince1970: 1_796_000_000))
    let denial = inForce.decide(request)
    #expect(denial.reason == .policiesOutdated)
    #expect(denial === inForce.decide(request))
  }

  @Test func `who counts people does not crowd out what recurs`() throws {
    let inForce = try CallFixture.inForce()
    let home = try CallFixture.call().region.home
    func occasion(_ people: [DataClass: Int]) throws -> LeafOccasion {
      let decision = inForce.decide(
        AccessRequest(
          action: .read, home: home, hops: [home], collection: CollectionName("notes"), purpose: Purpose("service"),
          principal: "app", transferredThisYear: people, now: CalendarDate(secondsSince1970: 1_796_000_000)))
      return LeafOccasion(Recorded(activity: .read, decision: decision), of: try CallFixture.call())
    }
    #expect(try occasion([:]).recurs)
    #expect(try !occasion([.any: 7]).recurs)
    #expect(try !LeafOccasion(Recorded(activity: .read), of: CallFixture.call()).recurs)
  }

  @Test func `of two that find the same at once both get what was found first`() {
    final class Found: Sendable {}
    let known = Recollection<Int, Found>(countMax: 10)
    let first = Found()
    // While one looks, another has found it.
    let second = known.value(of: 1) {
      #expect(known.value(of: 1) { first } === first)
      return Found()
    }
    #expect(second === first)
  }

  @Test func `what was found lately is forgotten before it is too much, and found again`() {
    let squares = Recollection<Int, Int>(countMax: 10)
    var found = 0
    func square(_ number: Int) -> Int {
      squares.value(of: number) {
        found += 1
        return number * number
      }
    }
    for number in 0..<10 { #expect(square(number) == number * number) }
    for number in 0..<10 { #expect(square(number) == number * number) }
    #expect(found == 10)
    #expect(square(10) == 100 && square(10) == 100)
    #expect(found == 11)
    #expect(square(0) == 0)
    #expect(found == 12, "it was forgotten with the others")
  }
}

import Directory
import DomicileAPI
import RegionStore
import Residency
import SwiftProtobuf
import Testing

@testable import Coordinator

@Suite struct WorkflowTests {
  private static func ordinal(_ number: Int) throws -> RegionOrdinal { try #require(RegionOrdinal(number)) }

  private static func tag(_ byte: UInt8) throws -> SubjectTag {
    try #require(SubjectTag([UInt8](repeating: byte, count: SubjectTag.byteCount)))
  }

  private static func placement(_ tag: SubjectTag, at home: Int, seq: UInt64 = 1) throws -> Placement {
    let position = LogPosition(origin: try ordinal(home), incarnation: .first, seq: seq)
    return Placement(
      tag: tag, birth: position, epoch: .first, home: try ordinal(home), state: .active, position: position)
  }

  @Test func `an account gives up its id only to the region that it was promised to, and only once that is settled`() throws {
    let tag = try Self.tag(1)
    let plan = YieldPlan(tag: tag, keeper: try Self.ordinal(2), newTag: nil)
    let here = try Self.ordinal(1)
    let (own, theirs) = (try Self.placement(tag, at: 1), try Self.placement(tag, at: 2))
    #expect(plan.course(nil, at: here) == .wait)
    #expect(plan.course(.contested([own, theirs]), at: here) == .wait)
    #expect(plan.course(.settled(theirs), at: here) == .carryOut)
    #expect(plan.course(.settled(own), at: here) == .void)
    // A third region has it, for which nobody agreed to an erasure: the account stays. To live on under another id it needs no leave.
    let elsewhere = PlacementSet.settled(try Self.placement(tag, at: 3))
    #expect(plan.course(elsewhere, at: here) == .stranded)
    var renamed = YieldPlan(tag: tag, keeper: try Self.ordinal(2), newTag: try Self.tag(7))
    #expect(renamed.course(elsewhere, at: here) == .carryOut)
    #expect(renamed.course(.settled(own), at: here) == .void)
    // What was begun is finished.
    renamed.step = .copying(to: .active)
    for set in [nil, .settled(own), elsewhere, .contested([own, theirs])] as [PlacementSet?] {
      #expect(renamed.course(set, at: here) == .carryOut)
    }
  }

  @Test func `a plan is read back as it was kept, and anything else is refused`() throws {
    for plan in [
      YieldPlan(tag: try Self.tag(1), keeper: try Self.ordinal(0x0102), newTag: nil),
      YieldPlan(tag: try Self.tag(1), keeper: try Self.ordinal(2), newTag: try Self.tag(7)),
      YieldPlan(tag: try Self.tag(1), keeper: try Self.ordinal(2), newTag: try Self.tag(7), step: .copying(to: .restricted)),
      YieldPlan(tag: try Self.tag(1), keeper: try Self.ordinal(2), newTag: nil, step: .removed),
    ] {
      #expect(try YieldPlan(plan.workflow.body) == plan)
      #expect(plan.workflow.id.kind == .yield)
    }
    let body = YieldPlan(tag: try Self.tag(1), keeper: try Self.ordinal(2), newTag: nil).workflow.body
    for wrong in [[], Array(body.dropLast()), body + Array("asleep".utf8)] {
      #expect(throws: StoreError.self) { try YieldPlan(wrong) }
    }
  }

  @Test func `two regions that may come to keep an id have a plan each`() throws {
    let plans = try [2, 3].map { YieldPlan(tag: try Self.tag(1), keeper: try Self.ordinal($0), newTag: nil) }
    #expect(plans[0].workflow.id != plans[1].workflow.id)
  }

  @Test func `a noted registration is tried less and less often, for a day, and not after an answer`() {
    func outcome(_ tries: Int, after hours: UInt64 = 0, isAnswered: Bool = false) -> RegistrationIntent.Outcome {
      RegistrationIntent.outcome(
        isAnswered: isAnswered, tries: tries, acceptedAt: 1_000, now: 1_000 + hours * 3_600_000)
    }
    #expect(outcome(0) == .again(after: .milliseconds(500)))
    #expect(outcome(3) == .again(after: .seconds(4)))
    #expect(outcome(40) == .again(after: .seconds(30)))
    #expect(outcome(40, after: 23) == .again(after: .seconds(30)))
    #expect(outcome(40, after: 24) == .givenUp)
    #expect(outcome(40, after: 30, isAnswered: true) == .settled)
  }

  @Test func `a noted registration is kept whole`() throws {
    let request = Domicile_V1_RegisterSubjectRequest.with {
      $0.subjectID = "somebody"
      $0.homeRegion = "eu-west"
      $0.residence.country = "DE"
      $0.requestID = "once"
    }
    let key = [UInt8](repeating: 9, count: 32)
    let intent = RegistrationIntent(request, token: "a.b.c", acceptedAt: 1_700_000_000_123, requestKey: key)
    let kept = try RegistrationIntent(intent.workflow())
    #expect(kept.request == request)
    #expect(kept.token == "a.b.c")
    #expect(kept.acceptedAt == 1_700_000_000_123)
    #expect(kept.requestKey == key)
  }
}

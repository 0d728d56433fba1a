import AuditTrail
import ConnectRPC
import Coordinator
import DomicileAPI
import DomicileTestKit
import FaultLab
import Postgres
import Residency
import SwiftProtobuf
import Testing

extension Integration.Fragile {
  /// Invariant 7.
  @Suite struct Contests {
    @Test func `an id that two regions registered while apart is contested everywhere, and nothing moves`() async throws {
      let world = try await World.fragile()
      let subject = freshSubject()
      let europe = try await world.app(.euWest)
      let america = try await world.app(.usEast)
      let india = try await world.app(.apSouth)

      try await registerApart([subject], world)

      for (caller, name) in [(europe, "eu-west"), (america, "us-east"), (india, "ap-south")] {
        try await eventually("\(name) knows of the contest") {
          do { return try await caller.locate(subject).state == .contested } catch let error as ConnectError
            where error.code == .notFound
          {
            return false
          }
        }
        #expect(try await caller.locate(subject).candidates == ["eu-west", "us-east"])
        #expect(try await caller.locate(subject).homeRegion == "")
      }

      // Each serves its own account.
      #expect(try await europe.get(subject).record.value == ["name": "the European"])
      #expect(try await america.get(subject).record.value == ["name": "the American"])
      #expect(try await europe.put(subject, ["name": "the European"]).version == 2)
      // Nobody is sent to either.
      for call in [
        { try await india.get(subject) as any Message }, { try await india.put(subject, ["name": "?"]) },
        { try await india.subject(subject) },
      ] {
        let error = try await refusal(of: call)
        #expect(error.code == .failedPrecondition)
        #expect(error.reason == "SUBJECT_CONTESTED")
        #expect(error.metadata["homes"] == "eu-west,us-east")
      }
      for caller in [europe, america, india] {
        #expect(try await refusal { try await caller.register(subject, country: "IN") }.reason == "SUBJECT_CONTESTED")
      }

      // And nothing was deleted or brought along.
      let tag = try world.tag(of: subject)
      for (region, accounts, siblings) in [(RegionID.euWest, 1, 2), (.usEast, 1, 2), (.apSouth, 0, 2)] {
        let rows = try await world.deployment.sql(
          region,
          """
          SELECT (SELECT count(*) FROM subject WHERE tag = $1::bytea), (SELECT count(*) FROM record WHERE tag = $1::bytea),
                 (SELECT count(*) FROM placement_sibling WHERE uuid_send(tag) = $1::bytea)
          """, [.bytes(tag.bytes)])
        let row = try #require(rows.first)
        #expect(try row.int64(0) == Int64(accounts), "\(region)")
        #expect(try row.int64(1) == Int64(accounts), "\(region)")
        #expect(try row.int64(2) == Int64(siblings), "\(region)")
      }
    }

    /// The subjects get an account in Europe, one in America, and where asked for one in India, while those do not hear of each other.
    private func registerApart(_ subjects: [String], inIndiaToo: Bool = false, _ world: World) async throws {
      let regions = world.deployment.regions
      // Never are two of them up together: neither hears of the other's registration, nor from anybody else.
      for region in [RegionID.usEast, .apSouth] { await regions.stopCoordinator(of: region) }
      var before: RegionID?
      for (region, country, name) in [
        (RegionID.euWest, "DE", "the European"), (.usEast, "US", "the American"), (.apSouth, "IN", "the Indian"),
      ] where region != .apSouth || inIndiaToo {
        if let before {
          await regions.stopCoordinator(of: before)
          try await regions.startCoordinator(of: region)
        }
        let caller = try await world.app(region)
        for subject in subjects {
          try await caller.register(subject, country: country)
          try await caller.put(subject, ["name": .init(stringValue: name)])
        }
        before = region
      }
      for region in world.deployment.catalog.regions.map(\.id) where region != before {
        try await regions.startCoordinator(of: region)
      }
    }

    private func wait(for state: Domicile_V1_Subject.State, of subject: String, _ callers: [Caller]) async throws {
      for caller in callers {
        try await eventually(within: .seconds(30), "\(caller.region) says \(state) of the subject") {
          do { return try await caller.locate(subject).state == state } catch let error as ConnectError
            where error.code == .notFound || error.code == .unavailable
          {
            return false
          }
        }
      }
    }

    @Test func `a contest ends when every region with an account agrees, and each records it`() async throws {
      let world = try await World.fragile()
      let (renamed, erased) = (freshSubject("renamed"), freshSubject("erased"))
      let newID = freshSubject("american")
      try await registerApart([renamed, erased], world)
      let (europe, america) = (try await world.app(.euWest), try await world.app(.usEast))
      let (here, there) = (try await world.operator(.euWest), try await world.operator(.usEast))
      let india = try await world.operator(.apSouth)
      for subject in [renamed, erased] { try await wait(for: .contested, of: subject, [europe, america, india]) }

      let listed = try await india.contested().filter {
        [renamed, erased].map { try? world.tag(of: $0).description }.contains($0.tag)
      }
      #expect(listed.map(\.homes) == [["eu-west", "us-east"], ["eu-west", "us-east"]])
      #expect(listed.allSatisfy { $0.cause == .registeredTwice })

      // Not by an app, not over the head of a region that has an account, and not at a region that has none.
      #expect(try await refusal { try await america.resolve(renamed, keep: .euWest, erase: [.usEast]) }.reason == "ROLE_REQUIRED")
      let unasked = try await refusal { try await there.resolve(renamed, keep: .euWest) }
      #expect(unasked.reason == "SUBJECT_CONTESTED")
      #expect(unasked.metadata["homes"] == "us-east")
      #expect(
        try await refusal { try await there.resolve(renamed, keep: .apSouth, erase: [.usEast, .euWest]) }.code
          == .failedPrecondition)
      // A German's home may not be in the United States: Europe's own policy says so, and Europe's log.
      let denied = try await refusal { try await there.resolve(erased, keep: .usEast, erase: [.euWest]) }
      #expect(denied.reason == "POLICY_DENIED")
      let denial = try await world.event(of: denied)
      #expect(denial.activity == .resolveContest)
      #expect(denial.home?.region == .euWest)
      #expect(denial.effect == .denied)
      // A region that does not answer has not agreed.
      await world.deployment.regions.stopCoordinator(of: .usEast)
      #expect(
        try await refusal { try await here.resolve(renamed, keep: .euWest, rename: [.usEast: newID]) }.reason
          == "REGION_UNREACHABLE")
      try await world.deployment.regions.startCoordinator(of: .usEast)
      #expect(try await europe.locate(renamed).state == .contested)
      #expect(try await america.get(renamed).record.value == ["name": "the American"])

      // Asked for in America, decided in Europe, agreed to in America.
      var answer = Domicile_V1_ResolveContestResponse()
      try await eventually("the regions reach each other again") {
        do {
          answer = try await there.resolve(renamed, keep: .euWest, rename: [.usEast: newID], requestID: "once")
          return true
        } catch let error as ConnectError where error.code == .unavailable {
          return false
        }
      }
      #expect(answer.homeRegion == "eu-west")
      #expect(answer.agreements.map(\.account.region) == ["us-east"])
      #expect(try await world.event(.euWest, answer.receipt.index).activity == .resolveContest)
      #expect(try await world.event(.usEast, try #require(answer.agreements.first).receipt.index).activity == .resolveContest)
      try await here.resolve(erased, keep: .euWest, erase: [.usEast])
      for subject in [renamed, erased] { try await wait(for: .active, of: subject, [europe, america, india]) }
      for caller in [europe, america, india] { #expect(try await caller.locate(renamed).homeRegion == "eu-west") }

      // The account that gave up the id lives on, whole, or is gone; its former keys are destroyed.
      try await eventually(within: .seconds(30), "America has carried out what it agreed to") {
        let left = try await world.deployment.sql(
          .usEast, "SELECT (SELECT count(*) FROM workflow), (SELECT count(*) FROM subject WHERE tag = ANY ($1::bytea[]))",
          [.bytesArray([try world.tag(of: renamed).bytes, try world.tag(of: erased).bytes])])
        return try left.first?.int64(0) == 0 && left.first?.int64(1) == 0
      }
      let kept = try await america.get(newID)
      #expect(kept.record.value == ["name": "the American"])
      #expect(kept.record.version == 1)
      #expect(try await america.put(newID, ["name": "still the American"]).version == 2)
      #expect(try await america.locate(newID).homeRegion == "us-east")
      #expect(try await europe.get(renamed).record.value == ["name": "the European"])
      #expect(try await europe.put(renamed, ["name": "the only one"]).version == 2)
      for subject in [renamed, erased] {
        let tag = try world.tag(of: subject)
        let records = try await world.deployment.sql(
          .usEast, "SELECT count(*) FROM record WHERE tag = $1::bytea", [.bytes(tag.bytes)])
        #expect(try records.first?.int64(0) == 0)
        #expect(try await !world.hasKeys(.usEast, tag))
        #expect(try await world.hasKeys(.euWest, tag))
      }
      #expect(try await world.hasKeys(.usEast, world.tag(of: newID)))
      // Once more, the same.
      #expect(try await there.resolve(renamed, keep: .euWest, rename: [.usEast: newID], requestID: "once").epoch == answer.epoch)
      #expect(try await refusal { try await here.resolve(erased, keep: .euWest) }.reason == "SUBJECT_NOT_CONTESTED")
    }

    @Test func `three accounts of one id become one when both other regions have agreed, and not before`() async throws {
      let world = try await World.fragile()
      let (subject, newID) = (freshSubject("three"), freshSubject("indian"))
      try await registerApart([subject], inIndiaToo: true, world)
      let (europe, america, india) = (
        try await world.app(.euWest), try await world.app(.usEast), try await world.app(.apSouth)
      )
      let here = try await world.operator(.euWest)
      try await wait(for: .contested, of: subject, [europe, america, india])
      for caller in [europe, america, india] {
        try await eventually("\(caller.region) knows of all three") {
          try await caller.locate(subject).candidates == ["ap-south", "eu-west", "us-east"]
        }
      }
      let unasked = try await refusal { try await here.resolve(subject, keep: .euWest, erase: [.usEast]) }
      #expect(unasked.reason == "SUBJECT_CONTESTED")
      #expect(unasked.metadata["homes"] == "ap-south")

      // One of the two does not answer. What the other has agreed to waits. (India's policy does not let an Indian's payments leave: only the
      // account itself can, under another id.)
      await world.deployment.regions.stopCoordinator(of: .apSouth)
      #expect(
        try await refusal { try await here.resolve(subject, keep: .euWest, rename: [.apSouth: newID], erase: [.usEast]) }.reason
          == "REGION_UNREACHABLE")
      try await Task.sleep(for: .seconds(2))
      #expect(try await america.get(subject).record.value == ["name": "the American"])
      #expect(try await europe.locate(subject).state == .contested)
      try await world.deployment.regions.startCoordinator(of: .apSouth)

      var answer = Domicile_V1_ResolveContestResponse()
      try await eventually("the regions reach each other again") {
        do {
          answer = try await here.resolve(subject, keep: .euWest, rename: [.apSouth: newID], erase: [.usEast])
          return true
        } catch let error as ConnectError where error.code == .unavailable {
          return false
        }
      }
      #expect(Set(answer.agreements.map(\.account.region)) == ["us-east", "ap-south"])
      for agreement in answer.agreements {
        let region = try #require(RegionID(agreement.account.region))
        let event = try await world.event(region, agreement.receipt.index)
        #expect(event.activity == .resolveContest)
        #expect(event.effect == .allowed)
      }
      try await wait(for: .active, of: subject, [europe, america, india])
      for region in [RegionID.usEast, .apSouth] {
        try await eventually(within: .seconds(60), "\(region) has carried out what it agreed to") {
          try await !world.hasKeys(region, world.tag(of: subject))
        }
      }
      for caller in [europe, america, india] {
        #expect(try await caller.locate(subject).homeRegion == "eu-west")
      }
      #expect(try await europe.get(subject).record.value == ["name": "the European"])
      #expect(try await india.get(newID).record.value == ["name": "the Indian"])
      let left = try await world.deployment.sql(
        .usEast, "SELECT count(*) FROM record WHERE tag = $1::bytea", [.bytes(try world.tag(of: subject).bytes)])
      #expect(try left.first?.int64(0) == 0)
    }

    /// The region that keeps the id has it already; what it was promised in return cannot be had.
    @Test func `an account whose new id is taken meanwhile is served as before, until it is given another`() async throws {
      let world = try await World.fragile()
      let (subject, wanted, other) = (freshSubject("left"), freshSubject("wanted"), freshSubject("other"))
      try await registerApart([subject], world)
      let (europe, america) = (try await world.app(.euWest), try await world.app(.usEast))
      let here = try await world.operator(.euWest)
      try await wait(for: .contested, of: subject, [europe, america])
      for number in 0..<450 { try await america.put(subject, "orders", "o-\(number)", ["number": "n"]) }
      #expect(
        try await refusal { try await here.resolve(subject, keep: .euWest, rename: [.usEast: subject]) }.reason
          == "INVALID_ARGUMENT")

      // Between the agreement and the resolution's arrival somebody else gets the id.
      try await during {
        try await world.deployment.sql(
          .usEast, "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
        try await world.deployment.sql(
          .usEast, "CREATE TRIGGER hold BEFORE UPDATE ON workflow FOR EACH ROW EXECUTE FUNCTION hold()")
      } undoing: {
        try await world.deployment.sql(.usEast, "DROP FUNCTION hold CASCADE")
      } _: {
        try await here.resolve(subject, keep: .euWest, rename: [.usEast: wanted])
        try await america.register(wanted, country: "US")
        try await america.put(wanted, ["name": "somebody else"])
      }
      try await wait(for: .active, of: subject, [europe, america])
      try await Task.sleep(for: .seconds(3))
      #expect(try await america.get(wanted).record.value == ["name": "somebody else"])
      let tag = try world.tag(of: subject)
      let left = try await world.deployment.sql(
        .usEast, "SELECT count(*) FROM record WHERE tag = $1::bytea", [.bytes(tag.bytes)])
      #expect(try left.first?.int64(0) == 451, "nothing of it is gone")
      #expect(try await world.hasKeys(.usEast, tag))

      // It is given another, though the contest is over. It is copied in several steps, and a coordinator that ends between them loses nothing.
      try await here.resolve(subject, keep: .euWest, rename: [.usEast: other])
      for _ in 0..<3 {
        try await Task.sleep(for: .milliseconds(700))
        await world.deployment.regions.killCoordinator(of: .usEast)
        try await world.deployment.regions.startCoordinator(of: .usEast)
      }
      try await eventually(within: .seconds(60), "the account lives on under its new id") {
        try await !world.hasKeys(.usEast, tag)
      }
      #expect(try await america.get(other).record.value == ["name": "the American"])
      let copied = try await world.deployment.sql(
        .usEast, "SELECT count(*) FROM record WHERE tag = $1::bytea", [.bytes(try world.tag(of: other).bytes)])
      #expect(try copied.first?.int64(0) == 451)
      #expect(try await america.put(other, ["name": "writes again"]).version == 2)
      #expect(try await europe.get(subject).record.value == ["name": "the European"])
      // The copied rows have their leaves under the id of before, which nobody can tell any more: that is said, and held against nobody.
      let rows = try await world.audit("verify", "--rows", "--region", "us-east")
      #expect(rows.status == 0, "\(rows.output)")
      #expect(rows.output.contains("whose records were copied"), "\(rows.output)")
    }
  }
}

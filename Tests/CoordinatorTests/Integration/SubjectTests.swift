import AuditTrail
import ConnectRPC
import DomicileAPI
import DomicileTestKit
import Foundation
import Residency
import SwiftProtobuf
import Testing

extension Integration {
  @Suite struct Subjects {
    @Test func `a registration is known in every region within two seconds`() async throws {
      let world = try await World.shared()
      let subject = freshSubject()
      try await world.app(.euWest).register(subject)
      for region in world.deployment.catalog.regions {
        let app = try await world.app(region.id)
        try await eventually(within: .seconds(2), "\(region.id) knows the subject") { try await isKnown(subject, to: app) }
        let found = try await app.locate(subject)
        #expect(found.homeRegion == "eu-west")
        #expect(found.homeURL == (try world.url(.euWest)))
        #expect(found.state == .active)
        #expect(found.evidence.readLevel == .directoryCopy)
        #expect(found.evidence.epoch == 1)
        #expect(found.evidence.hasDirectoryAge == (region.id != .euWest))
      }
    }

    @Test func `a registration may be asked for anywhere and is made at home`() async throws {
      let world = try await World.shared()
      let abroad = try await world.app(.apSouth)
      let subject = freshSubject()
      let answer = try await abroad.register(subject, home: .euWest, country: "IE")
      #expect(answer.subject.homeRegion == "eu-west")
      #expect(answer.receipt.region == "eu-west")
      #expect(try await world.app(.euWest).subject(subject).subject.residence.country == "IE")
      let again = try await refusal { try await abroad.register(subject, home: .euWest, country: "IE") }
      #expect(again.code == .alreadyExists)
      #expect(again.metadata["home_region"] == "eu-west")
    }

    @Test func `a region that a person's residence forbids does not become home, and says so in its log`() async throws {
      let world = try await World.shared()
      let app = try await world.app(.usEast)
      let subject = freshSubject()
      let error = try await refusal { try await app.register(subject, country: "DE") }
      #expect(error.code == .permissionDenied)
      #expect(error.reason == "RESIDENCE_NOT_ALLOWED")
      #expect(error.metadata["rule"] == "residence.eea")
      #expect(error.metadata["at"]?.hasPrefix("policies/residence.yaml:") == true)
      let leaf = try await world.event(of: error)
      #expect(leaf.activity == .register)
      #expect(leaf.effect == .denied)
      #expect(leaf.rules.first?.id == "residence.eea")
      #expect(try await refusal { try await app.locate(subject) }.reason == "SUBJECT_UNKNOWN")
      // From elsewhere it is no different, and the id is still free.
      let europe = try await world.app(.euWest)
      #expect(
        try await refusal { try await europe.register(subject, home: .usEast, country: "DE") }.reason == "RESIDENCE_NOT_ALLOWED")
      #expect(try await europe.register(subject, country: "DE").decision.effect == .permit)
      #expect(
        try await refusal { try await app.register(freshSubject(), country: "CA", subdivision: "CA-QC") }.metadata["rule"]
          == "residence.quebec")
    }

    @Test func `a consent opens what the law lets it open, and its withdrawal closes it`() async throws {
      let world = try await World.shared()
      let home = try await world.app(.euWest)
      let india = try await world.app(.apSouth)
      let subject = freshSubject()
      try await home.register(subject)
      try await home.put(subject, ["name": "E. U. Resident", "email": "e@example.eu", "locale": "de"])
      try await eventually("ap-south knows the subject") { try await isKnown(subject, to: india) }
      #expect(try await refusal { try await india.get(subject, purpose: "support") }.reason == "POLICY_DENIED")

      try await home.consent(subject, to: "support", kind: "implied")
      #expect(try await refusal { try await india.get(subject, purpose: "support") }.reason == "POLICY_DENIED")
      let given = try await home.consent(subject, to: "support")
      #expect(given.consent.kind == "explicit")
      let read = try await india.get(subject, purpose: "support")
      #expect(read.decision.rules.first == "eu.consent")
      #expect(read.decision.safeguard == "consent")
      #expect(read.record.value.text("name") == "E. U. Resident")
      #expect(read.record.value.fields["locale"] == nil)
      // It is for support, not for anything else.
      #expect(try await refusal { try await india.get(subject, purpose: "billing") }.reason == "POLICY_DENIED")

      let withdrawn = try await home.withdrawConsent(subject, to: "support")
      #expect(withdrawn.consent.hasWithdrawnAt)
      #expect(try await refusal { try await india.get(subject, purpose: "support") }.reason == "POLICY_DENIED")
      let consents = try await home.subject(subject).subject.consents
      #expect(consents.map(\.purpose) == ["support"])
      #expect(consents.allSatisfy { $0.hasWithdrawnAt })
      // Given again, it counts again.
      try await home.consent(subject, to: "support")
      #expect(try await india.get(subject, purpose: "support").record.version == 1)
    }

    @Test func `a caller that asks for it is sent home instead of being served through this region`() async throws {
      let world = try await World.shared()
      let home = try await world.app(.euWest)
      let abroad = try await world.app(.usEast)
      let subject = freshSubject()
      try await home.register(subject)
      try await home.put(subject, ["name": "E. U. Resident"])
      try await eventually("us-east knows the subject") { try await isKnown(subject, to: abroad) }
      let error = try await refusal { try await abroad.with(routing: "redirect").get(subject, purpose: "support") }
      #expect(error.code == .failedPrecondition)
      #expect(error.reason == "WRONG_REGION")
      #expect(error.metadata["home_region"] == "eu-west")
      #expect(error.metadata["home_url"] == (try world.url(.euWest)))
      #expect(!"\(error)".contains("Resident"))
      #expect(try await abroad.with(routing: "forward").get(subject, purpose: "support").record.version == 1)
      // At home there is nowhere to send it.
      #expect(try await home.with(routing: "redirect").get(subject).record.version == 1)
    }

    @Test func `what the service holds of a person is read like any other data of theirs`() async throws {
      let world = try await World.shared()
      let home = try await world.app(.euWest)
      let abroad = try await world.app(.usEast)
      let subject = freshSubject()
      try await home.register(subject, country: "DE", citizenship: ["FR", "DE"])
      let own = try await home.subject(subject).subject
      #expect(own.subjectID == subject)
      #expect(own.homeRegion == "eu-west")
      #expect(own.residence.country == "DE")
      #expect(own.residence.citizenship == ["DE", "FR"])
      #expect(own.epoch == 1)
      try await eventually("us-east knows the subject") { try await isKnown(subject, to: abroad) }
      #expect(try await abroad.subject(subject, purpose: "support").importReceipt.region == "us-east")
      #expect(try await refusal { try await abroad.subject(subject, purpose: "analytics") }.reason == "POLICY_DENIED")
    }

    @Test func `policy can be asked without a person, and leaves no record`() async throws {
      let world = try await World.shared()
      let name = "app:\(freshSubject("dry"))"
      let app = try await world.app(.usEast, name)
      let permitted = try await app.decide {
        $0.homeRegion = "eu-west"
        $0.collection = "profile"
        $0.purpose = "support"
      }
      #expect(permitted.decision.effect == .permit)
      #expect(permitted.decision.rules.first == "eu.adequacy-certified")
      #expect(permitted.views["email"] == "hash")
      #expect(permitted.views["ip"] == "drop")
      #expect(permitted.views["name"] == "clear")
      let denied = try await app.decide {
        $0.homeRegion = "eu-west"
        $0.collection = "health"
        $0.purpose = "support"
      }
      #expect(denied.decision.effect == .deny)
      #expect(denied.decision.rules.first == "eu.health-stays")
      #expect(denied.decision.at.hasPrefix("policies/eu-transfers.yaml:"))
      #expect(denied.decision.nearestPermit.rule == "eu.local")
      #expect(denied.decision.nearestPermit.missing == ["locality"])
      #expect(try await world.events(.usEast, from: 0).filter { $0.principal == name }.isEmpty)
    }

    @Test func `regions say of each other how they are`() async throws {
      let world = try await World.shared()
      let app = try await world.app(.usEast)
      try await eventually("all regions reach each other") { try await app.regions().allSatisfy { $0.health == .reachable } }
      let regions = try await app.regions()
      #expect(regions.map(\.id) == ["us-east", "eu-west", "ap-south"])
      #expect(regions.map(\.jurisdiction) == ["US", "IE", "IN"])
      #expect(Set(regions.map(\.policyRevision)).count == 1)
      #expect(regions[0].policyRevision.hasPrefix("sha256:"))
      #expect(regions.map(\.hasLastContact) == [false, true, true])
      #expect(regions[1].url == (try world.url(.euWest)))
    }
  }
}

import AuditTrail
import Cryptography
import PolicyEngine
import Residency

/// One call of an app, as the region that executes it sees it. Everything that a procedure needs beside its request and the facts
/// of the store: it reads no clock and draws no random number. A class, since everything that the call does holds it.
final class Call: Sendable {
  /// The region that executes the call.
  let region: RegionContext
  /// For the whole call.
  let inForce: PoliciesInForce
  let principal: Principal
  /// The region whose coordinator the app called: this one, or a peer that passed the call on.
  let asking: RegionDescriptor
  /// Milliseconds since 1970 UTC.
  let now: UInt64
  /// Its place in this coordinator's numbering: the numbers are in the leaves, so a missing one shows.
  let ticket: RequestTicket
  /// 16 random bytes: names the decision.
  let id: [UInt8]
  /// 16 random bytes: the salt of the call's leaf, so that its hash tells nothing about it.
  let salt: [UInt8]
  let deadline: ContinuousClock.Instant?
  /// Who would receive data: the asking region, then the principal's attested jurisdiction where it is another one.
  let hops: [Place]

  init(
    region: RegionContext, inForce: PoliciesInForce, principal: Principal, asking: RegionDescriptor, now: UInt64,
    ticket: RequestTicket,
    id: [UInt8], salt: [UInt8], deadline: ContinuousClock.Instant?
  ) {
    self.region = region
    self.inForce = inForce
    self.principal = principal
    self.asking = asking
    self.now = now
    self.ticket = ticket
    self.id = id
    self.salt = salt
    self.deadline = deadline
    hops = AccessRequest.recipients(
      asking: Place(region: asking.id, jurisdiction: asking.jurisdiction), principalJurisdiction: principal.jurisdiction)
  }

  /// One of several things that the call does, with a decision and a leaf of its own. Whoever is shown that leaf learns nothing that
  /// would tell about the others.
  func part(_ index: Int) -> Call {
    func derived(_ bytes: [UInt8]) -> [UInt8] {
      Array(SHA256.hash(Array("domicile/1/part \(index)\0".utf8) + bytes).prefix(16))
    }
    return Call(
      region: region, inForce: inForce, principal: principal, asking: asking, now: now, ticket: ticket, id: derived(id),
      salt: derived(salt), deadline: deadline)
  }

  var policies: PolicySet { inForce.set }

  var isForwarded: Bool { asking.id != region.descriptor.id }

  var today: CalendarDate { CalendarDate(secondsSince1970: Int64(now / 1_000)) }

  /// The month that names the subjects' pseudonyms in the log.
  var period: AuditPeriod { AuditPeriod(containing: UTCTime(milliseconds: Int64(now))) }
}

/// What a coordinator knows of its own region and of the others, all its life.
struct RegionContext: Sendable {
  let descriptor: RegionDescriptor
  let catalog: RegionCatalog
  let tagger: SubjectTagger
  /// For the views `hash` and `pseudonym`: nobody outside the region can try values.
  let viewKey: [UInt8]
  /// Names this process in the log, beside the numbers of its calls.
  let coordinator: String

  var home: Place { Place(region: descriptor.id, jurisdiction: descriptor.jurisdiction) }
}

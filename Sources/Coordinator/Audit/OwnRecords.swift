import AuditTrail
import Cryptography
import Foundation
import PolicyEngine
import RegionStore
import Residency

/// What a coordinator records of itself, without a call.
///
/// The first thing that it does is say in the log that it is there, under which policies, so a region's log is never empty. And every
/// change of policy stands in it before the policies decide anything.
struct OwnRecords: Sendable {
  let executor: Executor
  let region: RegionContext
  let policies: PolicyHolder

  /// Milliseconds since 1970 UTC.
  static var now: UInt64 { UInt64(Date().timeIntervalSince1970 * 1_000) }

  /// - Throws: ``Refusal`` where it cannot be recorded: then it does not happen.
  func record(
    _ activity: AuditActivity, policyRevision: String? = nil, deadline: ContinuousClock.Instant? = nil
  ) async throws {
    try await record(try draft(activity, policyRevision: policyRevision).event, deadline)
  }

  /// That this coordinator is there, and with what: a change of configuration or keys is a difference between two such records.
  func recordStart(_ setup: AuditEvent.Setup, policyRevision: String) async throws {
    var event = try draft(.start, policyRevision: policyRevision).event
    event.setup = setup
    try await record(event, nil)
  }

  func record(_ account: AuditEvent.Account, deadline: ContinuousClock.Instant) async throws {
    var event = try draft(.account).event
    event.account = account
    try await record(event, deadline)
  }

  private func record(_ event: AuditEvent, _ deadline: ContinuousClock.Instant?) async throws {
    _ = try await executor.record(
      event, now: UInt64(event.time.milliseconds), in: region.descriptor.id, deadline: deadline)
  }

  /// What will be recorded once it is known about whom: the time and what is drawn at random are settled before.
  /// - Parameter reason: why it came to nothing; `nil` where it did not.
  func draft(_ activity: AuditActivity, policyRevision: String? = nil, reason: Reason? = nil) throws -> OwnRecord {
    guard let salt = AuditEvent.Salt(try SecureRandom.bytes(AuditEvent.Salt.byteCount)) else {
      throw StoreError.corrupt(what: "a salt")
    }
    let place = AuditEvent.Place(region: region.descriptor.id, jurisdiction: region.descriptor.jurisdiction)
    var event = AuditEvent(
      time: UTCTime(milliseconds: Int64(Self.now)), id: try SecureRandom.bytes(16).hex, activity: activity,
      effect: reason == nil ? .allowed : .denied, requester: place, salt: salt)
    event.reason = reason?.rawValue
    event.policyRevision = policyRevision ?? policies.inForce.set.revision
    event.request = AuditEvent.RequestNumber(coordinator: region.coordinator, number: 0)
    return OwnRecord(event: event)
  }
}

/// A record of what a coordinator does of itself.
struct OwnRecord: Sendable {
  fileprivate let event: AuditEvent

  /// Of what concerns nobody at home here.
  /// - Parameter home: where it was to be.
  func leaf(at home: RegionDescriptor?) -> LeafDraft {
    var event = event
    event.home = home.map { AuditEvent.Place(region: $0.id, jurisdiction: $0.jurisdiction) }
    return LeafDraft(event, details: nil)
  }

  /// - Parameter details: what names people: sealed under the subject's key.
  func leaf(about subject: SubjectTag, facts: Facts, details: JSONValue? = nil) throws -> LeafDraft {
    var event = event
    event.home = event.requester
    guard let key = facts.auditKey(of: subject) else { return LeafDraft(event, details: nil) }
    event.subject = try AuditPseudonym(of: subject, auditKey: key, period: AuditPeriod(containing: event.time))
    event.subjectEpoch = facts.subjects[subject]?.epoch
    return LeafDraft(event, details: details.map { LeafDraft.Details(tag: subject, bytes: $0.canonicalBytes) })
  }
}

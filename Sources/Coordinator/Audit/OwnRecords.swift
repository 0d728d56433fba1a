import AuditTrail
import Cryptography
import Foundation
import RegionStore
import Residency

/// What a coordinator records of itself, without a call.
///
/// The first thing that it does is say in the log that it is there, under which policies, so a region's log is never empty. And every
/// change of policy stands in it before the policies decide anything.
struct OwnRecords: Sendable {
  let executor: Executor
  let region: RegionContext

  /// - Throws: ``Refusal`` where it cannot be recorded: then it does not happen.
  func record(_ activity: AuditActivity, policyRevision: String) async throws {
    guard let salt = AuditEvent.Salt(try SecureRandom.bytes(AuditEvent.Salt.byteCount)) else {
      throw StoreError.corrupt(what: "a salt")
    }
    let place = AuditEvent.Place(region: region.descriptor.id, jurisdiction: region.descriptor.jurisdiction)
    let time = UTCTime(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
    var event = AuditEvent(
      time: time, id: try SecureRandom.bytes(16).hex, activity: activity, effect: .allowed, requester: place, salt: salt)
    event.policyRevision = policyRevision
    event.request = AuditEvent.RequestNumber(coordinator: region.coordinator, number: 0)
    _ = try await executor.record(event, now: UInt64(time.milliseconds), in: region.descriptor.id)
  }
}

import AuditTrail
import Cryptography
import Foundation
import RegionStore
import Residency

/// The first thing a coordinator does is say in the log that it is there, under which policies. So a region's log is never empty, and
/// a change of policy stands in it where it took effect.
struct StartRecord: Sendable {
  let executor: Executor
  let region: RegionContext
  let policyRevision: String

  /// - Throws: ``Refusal`` where it cannot be recorded: the coordinator then does not serve.
  func make() async throws {
    guard let salt = AuditEvent.Salt(try SecureRandom.bytes(AuditEvent.Salt.byteCount)) else { return }
    let place = AuditEvent.Place(region: region.descriptor.id, jurisdiction: region.descriptor.jurisdiction)
    let time = UTCTime(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
    var event = AuditEvent(
      time: time, id: try SecureRandom.bytes(16).hex, activity: .start, effect: .allowed, requester: place, salt: salt)
    event.policyRevision = policyRevision
    event.request = AuditEvent.RequestNumber(coordinator: region.coordinator, number: 0)
    _ = try await executor.record(event, now: UInt64(time.milliseconds), in: region.descriptor.id)
  }
}

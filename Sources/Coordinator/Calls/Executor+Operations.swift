import AuditTrail
import ConnectRPC
import RegionStore
import Residency

extension Executor {
  /// Records what an operator or auditor asks for that is about nobody in particular: before it is done, and whether or not they may.
  /// - Parameters:
  ///   - region: the other region that it is about, as the caller names it.
  ///   - roles: of which the caller needs one.
  /// - Throws: ``Refusal`` where the caller has none of them, and where it cannot be recorded: then it is not done.
  func permit(
    _ operation: String, about region: String = "", to roles: [Principal.Role], _ call: Call
  ) async throws(Refusal) {
    var refused: Refusal?
    if !roles.contains(where: call.principal.roles.contains) {
      do throws(Refusal) {
        if let role = roles.first { try call.require(role) }
        refused = Refusal(.permissionDenied, .roleRequired, "Nobody may do this.")
      } catch { refused = error }
    }
    let known = RegionID(region).flatMap { call.region.catalog[$0]?.id.rawValue }
    var event: AuditEvent
    do {
      event = try call.event(.operate, reason: refused?.reason.rawValue)
    } catch {
      throw Refusal(.unrecordable, region: call.region.descriptor.id.rawValue)
    }
    event.operation = ([operation] + (known.map { [$0] } ?? [])).joined(separator: " ")
    _ = try await record(event, call)
    if let refused { throw refused }
  }
}

import AuditTrail
import RegionStore
import Residency

extension Executor {
  /// Records what an operator or auditor asks for that is about nobody in particular: before it is done, and whether or not they may.
  /// - Parameter roles: of which the caller needs one.
  /// - Throws: ``Refusal`` where the caller has none of them, and where it cannot be recorded: then it is not done.
  func permit(_ operation: String, to roles: [Principal.Role], _ call: Call) async throws(Refusal) {
    var refused: Refusal?
    if !roles.contains(where: call.principal.roles.contains), let role = roles.first {
      do throws(Refusal) { try call.require(role) } catch { refused = error }
    }
    var event: AuditEvent
    do {
      event = try call.event(.operate, reason: refused?.reason.rawValue)
    } catch {
      throw Refusal(.unrecordable, region: call.region.descriptor.id.rawValue)
    }
    event.operation = operation
    _ = try await record(event, call)
    if let refused { throw refused }
  }
}

import ConnectRPC
import Directory
import DomicileAPI
import Residency

/// Registers a subject at its home, then waits for as many regions to hold that as the caller asks for.
struct Registration: Sendable {
  let gateway: Gateway
  let directory: DirectoryReading

  var method: UnaryMethod {
    UnaryMethod(RegisterSubject.name.service, RegisterSubject.name.method) {
      (request: Domicile_V1_RegisterSubjectRequest, context: CallContext) in
      try await answer(request, context)
    }
  }

  private func answer(
    _ request: Domicile_V1_RegisterSubjectRequest, _ context: CallContext
  ) async throws -> Domicile_V1_RegisterSubjectResponse {
    let session = try directory.trace(of: context)
    defer { directory.conclude(session, context) }
    // What this call sees, apart from what the session saw before.
    let seen = SessionTrace()
    defer { session.saw(seen.vector.positions) }
    do {
      let level = try DirectoryReading.Level(request.level)
      if !directory.progress.isReached(session.required) {
        // Whoever has seen the subject registered elsewhere must not register it here for want of that.
        _ = try await gateway.principal(context)
        try await directory.reach(session.required, deadline: context.deadline)
      }
      var response = try await gateway.answer(RegisterSubject.self, request, context, seen)
      guard level != .one else { return response }
      let held = try await directory.confirm(
        seen.vector, at: level, registeredIn: response.subject.homeRegion, deadline: context.deadline)
      response.evidence.regions = UInt32(held)
      return response
    } catch let refusal as Refusal {
      throw refusal.connectError
    }
  }
}

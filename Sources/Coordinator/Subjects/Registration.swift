import ConnectRPC
import Directory
import DomicileAPI
import Residency

/// Registers a subject at its home, then waits for as many regions to hold that as the caller asks for.
struct Registration: Sendable {
  let gateway: Gateway
  let directory: DirectoryReading
  let intents: IntentDelivery

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
      if request.level == .any, let answer = try await note(request, context) { return answer }
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

  /// At level ANY a registration for a home elsewhere is noted here, and passed on when the home can be reached.
  /// - Returns: `nil` where it is done as at level ONE: the home is here, or this region knows the subject already.
  private func note(
    _ request: Domicile_V1_RegisterSubjectRequest, _ context: CallContext
  ) async throws -> Domicile_V1_RegisterSubjectResponse? {
    let (call, token) = try await gateway.authenticate(context)
    let procedure = try await gateway.prepare(RegisterSubject.self, request, call)
    guard let home = procedure.destination, home.id != call.region.descriptor.id,
      try await !directory.isKnown(procedure.subject)
    else { return nil }
    return try await intents.accept(procedure, request, home: home, token: token, call)
  }
}

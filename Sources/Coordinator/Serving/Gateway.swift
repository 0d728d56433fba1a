import ConnectRPC
import DomicileAPI
import HTTPTypes
import RegionStore
import Residency
import SwiftProtobuf

/// Takes the apps' calls about subjects: authenticates, runs them here or at the subject's home, and answers.
struct Gateway: Sendable {
  let calls: CallFactory
  let tokens: TokenVerifier
  let executor: Executor
  let forwarder: Forwarder

  /// The method under which apps call a procedure.
  func method<Procedure: SubjectProcedure>(_ procedure: Procedure.Type) -> UnaryMethod {
    UnaryMethod(Procedure.name.service, Procedure.name.method) { (request: Procedure.Request, context: CallContext) in
      try await answer(procedure, request, context)
    }
  }

  /// - Parameter routing: `nil` for what the caller asks for.
  func answer<Procedure: SubjectProcedure>(
    _ type: Procedure.Type, _ request: Procedure.Request, _ context: CallContext, routing: Routing? = nil
  ) async throws -> Procedure.Response {
    let (call, token) = try await authenticate(context)
    let routing = try routing ?? Self.routing(context)
    do {
      let procedure = try await prepare(type, request, call)
      if let destination = procedure.destination, destination.id != call.region.descriptor.id {
        return try await forwarder.forward(procedure, request, call, to: destination, epoch: nil, token: token)
      }
      let execution = try await executor.execute(procedure, call)
      return try await conclude(execution, procedure, request, call, token: token, routing: routing)
    } catch let refusal as Refusal {
      throw refusal.connectError
    }
  }

  /// The answer to what came of a call here: where the subject is at home elsewhere, that region's.
  func conclude<Procedure: SubjectProcedure>(
    _ execution: Executor.Execution<Procedure.Response>, _ procedure: Procedure, _ request: Procedure.Request, _ call: Call,
    token: String, routing: Routing
  ) async throws -> Procedure.Response {
    switch execution {
    case .answered(let response, _):
      return response
    case .refused(let refusal, _):
      throw refusal
    case .elsewhere(let lookup):
      let router = Router(catalog: call.region.catalog, local: call.region.descriptor.id, routing: routing)
      switch router.route(lookup) {
      case .forward(let home, let epoch):
        return try await forwarder.forward(procedure, request, call, to: home, epoch: epoch, token: token)
      case .refuse(let refusal):
        _ = try await executor.record(try call.event(Procedure.activityAbroad, reason: refusal.reason.rawValue), call)
        throw refusal
      }
    }
  }

  /// A request that is refused for its form is recorded where it is about somebody at home here.
  func prepare<Procedure: SubjectProcedure>(
    _ type: Procedure.Type, _ request: Procedure.Request, _ call: Call
  ) async throws(Refusal) -> Procedure {
    do {
      return try Procedure(request, call: call)
    } catch {
      if let id = SubjectID(request.subjectID), let subject = call.region.tagger.tag(of: id) {
        try await executor.recordRefusal(error, activity: Procedure.activityAtHome, about: subject, call)
      }
      throw error
    }
  }

  /// - Throws: ``ConnectError``, `unauthenticated` where the token does not hold.
  func authenticate(_ context: CallContext) async throws -> (call: Call, token: String) {
    let (principal, token) = try await principal(context)
    return (try call(of: principal, context), token)
  }

  /// A call of its own, with its own number, decision and leaf.
  func call(of principal: Principal, _ context: CallContext) throws -> Call {
    try calls.make(principal: principal, asking: calls.region.descriptor, deadline: context.deadline)
  }

  /// - Throws: ``ConnectError``, `unauthenticated` where the token does not hold.
  func principal(_ context: CallContext) async throws -> (principal: Principal, token: String) {
    do {
      guard let header = context.headers[.authorization] else { throw TokenError.missing }
      let token = try TokenVerifier.bearerToken(in: header)
      return (try await tokens.principal(token: token), token)
    } catch let error as TokenError {
      throw ConnectError(error.isCallersFault ? .unauthenticated : .unavailable, reason: error.reason, error.message)
    }
  }

  static func routing(_ context: CallContext) throws -> Routing {
    guard let name = HTTPField.Name("Domicile-Routing"), let text = context.headers[name] else { return .forward }
    guard let routing = Routing(rawValue: text) else {
      throw Refusal(.invalidArgument, .invalidArgument, "Domicile-Routing is 'forward' or 'redirect'.").connectError
    }
    return routing
  }
}

import ConnectRPC
import Directory
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
  let directory: DirectoryReading

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
    let trace = try directory.trace(of: context)
    defer { directory.conclude(trace, context) }
    return try await answer(type, request, context, trace, routing: routing)
  }

  /// - Parameter trace: is told which of the directory's entries the call saw and wrote.
  func answer<Procedure: SubjectProcedure>(
    _ type: Procedure.Type, _ request: Procedure.Request, _ context: CallContext, _ trace: SessionTrace, routing: Routing? = nil
  ) async throws -> Procedure.Response {
    let (call, token) = try await authenticate(context)
    call.ticket.number()
    let manner = Manner(token: token, routing: try routing ?? Self.routing(context), trace: trace)
    do {
      let procedure = try await prepare(type, request, call)
      if let destination = procedure.destination, destination.id != call.region.descriptor.id {
        return try await forwarder.forward(procedure, request, call, to: destination, epoch: nil, token: token, trace: trace)
      }
      let memory = Procedure.goesByMemory ? directory.remembered(procedure.subject, trace) : .nothing
      var passed = Passage<Procedure.Response>.notTried
      if case .elsewhere(let placement) = memory {
        passed = try await pass(procedure, request, call, manner, by: placement)
        if case .answered(let response) = passed { return response }
      }
      let execution = try await executor.execute(procedure, call)
      if case .elsewhere(.remote(_, let placement)) = execution.outcome {
        // The store names the region that has just said that it is not the home.
        if case .notHome(let asked, let error) = passed, asked == placement {
          manner.trace.saw(execution.saw)
          throw error
        }
        directory.remember(placement, memory)
      }
      return try await conclude(execution, procedure, request, call, manner)
    } catch let refusal as Refusal {
      throw refusal.connectError
    }
  }

  /// What came of sending a call to the home that memory knows.
  private enum Passage<Response: Sendable>: Sendable {
    case notTried
    case answered(Response)
    /// That is not the home any more, or not yet: the store may know better.
    case notHome(Placement, ConnectError)
  }

  /// Sends a call to the home that memory knows, without a look at the store first.
  private func pass<Procedure: SubjectProcedure>(
    _ procedure: Procedure, _ request: Procedure.Request, _ call: Call, _ manner: Manner, by placement: Placement
  ) async throws -> Passage<Procedure.Response> {
    let router = Router(catalog: call.region.catalog, local: call.region.descriptor.id, routing: manner.routing)
    guard case .forward(let home, let epoch) = router.route(.remote(home: placement.home, placement)) else { return .notTried }
    manner.trace.saw([placement.position])
    do {
      return .answered(
        try await forwarder.forward(
          procedure, request, call, to: home, epoch: epoch, token: manner.token, trace: manner.trace))
    } catch let error as ConnectError where error.reason == Reason.staleDirectory.rawValue {
      return .notHome(placement, error)
    }
  }

  /// How a call goes on where the subject is at home elsewhere.
  struct Manner: Sendable {
    let token: String
    let routing: Routing
    let trace: SessionTrace
  }

  /// The answer to what came of a call here: where the subject is at home elsewhere, that region's.
  func conclude<Procedure: SubjectProcedure>(
    _ first: Executor.Execution<Procedure.Response>, _ procedure: Procedure, _ request: Procedure.Request, _ call: Call,
    _ manner: Manner
  ) async throws -> Procedure.Response {
    var execution = first
    if case .elsewhere = first.outcome, !directory.progress.isReached(manner.trace.required) {
      try await directory.reach(manner.trace.required, deadline: call.deadline)
      execution = try await executor.execute(procedure, call)
    }
    manner.trace.saw(execution.saw)
    switch execution.outcome {
    case .answered(let response):
      return response
    case .refused(let refusal):
      throw refusal
    case .elsewhere(var lookup):
      var router = Router(catalog: call.region.catalog, local: call.region.descriptor.id, routing: manner.routing)
      if case .unknown = lookup {
        let answer = try await directory.askPeers(about: procedure.subject, call)
        manner.trace.saw(answer.set?.placements.map(\.position) ?? [])
        router.silent = answer.silent
        lookup = PlacementLookup(answer.set, at: call.region.descriptor.ordinal)
      }
      switch router.route(lookup) {
      case .forward(let home, let epoch):
        return try await forwarder.forward(
          procedure, request, call, to: home, epoch: epoch, token: manner.token, trace: manner.trace)
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

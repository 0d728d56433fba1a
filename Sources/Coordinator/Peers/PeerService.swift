import AuditTrail
import ConnectRPC
import Cryptography
import Directory
import DomicileAPI
import Foundation
import RegionStore
import Residency
import SwiftProtobuf

/// What other regions may ask: execute a call of theirs, and keep the directory together. Over mutual TLS only, and a region is
/// believed about itself only.
struct PeerService: Sendable {
  let calls: CallFactory
  let tokens: TokenVerifier
  let executor: Executor
  let replication: ReplicationSource
  let progress: DirectoryProgress
  let contests: ContestResolution
  let onHello: @Sendable (RegionDescriptor) -> Void
  let onRing: @Sendable (RegionDescriptor, LogPosition?, _ news: LogBatch?) -> Void

  private typealias Execute =
    @Sendable (PeerService, Data, Call, _ token: String) async throws ->
    Domicile_Peer_V1_ExecuteResponse

  private static let procedures: [String: Execute] = {
    var table: [String: Execute] = [:]
    func add<Procedure: SubjectProcedure>(_ procedure: Procedure.Type) {
      table[Procedure.name.description] = { service, request, call, _ in
        let procedure = try service.prepare(procedure, request, call)
        return try await service.answer(service.executor.execute(procedure, call), procedure)
      }
    }
    add(RegisterSubject.self)
    add(GetSubject.self)
    add(SetConsent.self)
    add(WithdrawConsent.self)
    add(EraseSubject.self)
    add(PutRecord.self)
    add(GetRecord.self)
    add(DeleteRecord.self)
    add(ListRecords.self)
    add(CommitRecords.self)
    add(SettleWrite.self)
    add(YieldAccount.self)
    table[ResolveContest.name.description] = { service, request, call, token in
      let procedure = try service.prepare(ResolveContest.self, request, call)
      return try await service.answer(service.contests.resolve(procedure, token, SessionTrace()), procedure)
    }
    return table
  }()

  var methods: [UnaryMethod] {
    let service = Forwarder.service
    return [
      UnaryMethod(service, "Execute") { (request: Domicile_Peer_V1_ExecuteRequest, context: CallContext) in
        try await execute(request, asking: peer(context), context)
      },
      UnaryMethod(service, "Hello") { (request: Domicile_Peer_V1_HelloRequest, context: CallContext) in
        let peer = try peer(context)
        onHello(peer)
        return try await replication.hello(request, from: peer)
      },
      UnaryMethod(service, "Pull") { (request: Domicile_Peer_V1_PullRequest, context: CallContext) in
        _ = try peer(context)
        return try await replication.pull(request)
      },
      UnaryMethod(service, "Snapshot") { (request: Domicile_Peer_V1_SnapshotRequest, context: CallContext) in
        _ = try peer(context)
        return try await replication.snapshot(request)
      },
      UnaryMethod(service, "GetChains") { (request: Domicile_Peer_V1_GetChainsRequest, context: CallContext) in
        _ = try peer(context)
        return try await replication.chains(request)
      },
      UnaryMethod(service, "Compare") { (request: Domicile_Peer_V1_CompareRequest, context: CallContext) in
        _ = try peer(context)
        return try await replication.compare(request)
      },
      UnaryMethod(service, "LookUp") { (request: Domicile_Peer_V1_LookUpRequest, context: CallContext) in
        _ = try peer(context)
        return try await replication.lookUp(request)
      },
      UnaryMethod(service, "Await") { (request: Domicile_Peer_V1_AwaitRequest, context: CallContext) in
        _ = try peer(context)
        return try await awaitDirectory(request, context)
      },
      UnaryMethod(service, "Acknowledge") { (request: Domicile_Peer_V1_AcknowledgeRequest, context: CallContext) in
        try await replication.acknowledge(request, from: peer(context))
      },
      UnaryMethod(service, "Ring") { (request: Domicile_Peer_V1_RingRequest, context: CallContext) in
        let news = request.hasNews ? LogBatch(request.news).flatMap { Doorbell.mayBring($0) ? $0 : nil } : nil
        onRing(try peer(context), request.hasHead ? LogPosition(request.head) : nil, news)
        return Domicile_Peer_V1_RingResponse()
      },
    ]
  }

  private func awaitDirectory(
    _ request: Domicile_Peer_V1_AwaitRequest, _ context: CallContext
  ) async throws -> Domicile_Peer_V1_AwaitResponse {
    let vector = VersionVector(request.positions)
    do {
      let isReached = try await progress.reach(vector, deadline: context.deadline) == .reached
      // The caller is told that it is durable here.
      if isReached { try await replication.store.barrier() }
      return .with { $0.reached = isReached }
    } catch {
      throw Refusal(error, region: calls.region.descriptor.id.rawValue).connectError
    }
  }

  /// The region that the connection's certificate names.
  private func peer(_ context: CallContext) throws -> RegionDescriptor {
    guard let certificate = context.peerCertificates.first else { throw Self.notTrusted("it shows no certificate") }
    let identity: PeerIdentity
    do { identity = try PeerIdentity(certificate: certificate) } catch { throw Self.notTrusted("\(error)") }
    guard identity.region != calls.region.descriptor.id else { throw Self.notTrusted("it shows this region's own certificate") }
    guard let region = calls.region.catalog[identity.region] else {
      throw Self.notTrusted("the catalog here has no region '\(identity.region)'")
    }
    guard region.status.isMember else { throw Self.notTrusted("\(region.id) is retired") }
    return region
  }

  private static func notTrusted(_ why: String) -> ConnectError {
    Refusal(.unauthenticated, .peerNotTrusted, "This caller is not a peer: \(why).").connectError
  }

  private func execute(
    _ request: Domicile_Peer_V1_ExecuteRequest, asking: RegionDescriptor, _ context: CallContext
  ) async throws -> Domicile_Peer_V1_ExecuteResponse {
    guard let procedure = Self.procedures[request.procedure] else {
      throw ConnectError(.unimplemented, reason: "UNKNOWN_PROCEDURE", "This region does not execute that procedure for others.")
    }
    do {
      let acceptedAt = try Self.acceptedAt(request)
      let principal = try await tokens.principal(token: request.token, acceptedAt: acceptedAt)
      let call = try calls.make(principal: principal, asking: asking, deadline: context.deadline)
      call.ticket.number()
      return try await procedure(self, request.request, call, request.token)
    } catch let error as TokenError {
      throw ConnectError(error.isCallersFault ? .unauthenticated : .unavailable, reason: error.reason, error.message)
    } catch let refusal as Refusal {
      throw refusal.connectError
    }
  }

  /// A registration may have been noted by the asking region while this one was out of reach: the token had to hold then. Nothing else is
  /// taken late, and not later than an asking region keeps it.
  private static func acceptedAt(_ request: Domicile_Peer_V1_ExecuteRequest) throws(Refusal) -> UInt64? {
    guard request.acceptedAt != 0 else { return nil }
    let now = OwnRecords.now
    guard request.procedure == RegisterSubject.name.description,
      (now - min(now, RegistrationIntent.ageMaxMilliseconds)...now + 60_000).contains(request.acceptedAt)
    else {
      throw Refusal(
        .invalidArgument, .invalidArgument, "Only a registration may be passed on late, and within a day of the app's call.")
    }
    return request.acceptedAt
  }

  private func prepare<Procedure: SubjectProcedure>(
    _ type: Procedure.Type, _ request: Data, _ call: Call
  ) throws -> Procedure {
    let message: Procedure.Request
    do { message = try Procedure.Request(serializedBytes: request) } catch {
      throw Refusal(
        .invalidArgument, .invalidArgument, "The request that is passed on is not a \(Procedure.Request.protoMessageName).")
    }
    let procedure = try Procedure(message, call: call)
    if let destination = procedure.destination, destination.id != call.region.descriptor.id { throw Self.notHome(call) }
    return procedure
  }

  private func answer<Procedure: SubjectProcedure>(
    _ execution: Executor.Execution<Procedure.Response>, _ procedure: Procedure
  ) throws -> Domicile_Peer_V1_ExecuteResponse {
    let pseudonym = execution.pseudonym
    switch execution.outcome {
    case .answered(let response):
      return try .with {
        $0.saw = execution.saw.map { Domicile_Peer_V1_Position($0) }
        $0.response = try response.serializedData()
        $0.pseudonym = pseudonym?.description ?? ""
        $0.pseudonymPeriod = pseudonym?.period.description ?? ""
        if let receipt = response.receiptOfHome { $0.receipt = receipt }
      }
    case .refused(var refusal):
      if let pseudonym {
        refusal.metadata[Forwarder.pseudonymKey] = pseudonym.description
        refusal.metadata[Forwarder.periodKey] = pseudonym.period.description
      }
      throw refusal
    case .elsewhere:
      throw Self.notHome(procedure.call)
    }
  }

  /// The asking region's directory is behind, or ahead: it costs a hop, and tells nothing.
  private static func notHome(_ call: Call) -> Refusal {
    Refusal(
      .unavailable, .staleDirectory,
      "\(call.region.descriptor.id) is not the subject's home. The directory of the asking region is behind: try again.",
      metadata: ["region": call.region.descriptor.id.rawValue])
  }
}

import ConnectRPC
import Directory
import DomicileAPI
import RegionStore
import Residency
import SwiftProtobuf

/// Settles contests. The region that keeps the id asks every other one that has an account; only when all have agreed, each by its own policy
/// and with a record of its own, it writes the resolution.
struct ContestResolution: Sendable {
  let gateway: Gateway
  let store: RegionStore

  var methods: [UnaryMethod] {
    [
      UnaryMethod(ResolveContest.name.service, ResolveContest.name.method) {
        (request: Domicile_V1_ResolveContestRequest, context: CallContext) in
        try await answer(request, context)
      },
      UnaryMethod(ResolveContest.name.service, "ListContested") {
        (request: Domicile_V1_ListContestedRequest, context: CallContext) in
        let (call, _) = try await gateway.authenticate(context)
        do {
          return try await list(request, call)
        } catch let refusal as Refusal {
          throw refusal.connectError
        } catch let error as StoreError {
          throw Refusal(error, region: call.region.descriptor.id.rawValue).connectError
        }
      },
    ]
  }

  private func answer(
    _ request: Domicile_V1_ResolveContestRequest, _ context: CallContext
  ) async throws -> Domicile_V1_ResolveContestResponse {
    let trace = try gateway.directory.trace(of: context)
    defer { gateway.directory.conclude(trace, context) }
    let (call, token) = try await gateway.authenticate(context)
    do {
      let procedure = try await gateway.prepare(ResolveContest.self, request, call)
      guard procedure.keeper.id == call.region.descriptor.id else {
        return try await gateway.forwarder.forward(
          procedure, request, call, to: procedure.keeper, epoch: nil, token: token, trace: trace)
      }
      let execution = try await resolve(procedure, token, trace)
      return try await gateway.conclude(
        execution, procedure, request, call, Gateway.Manner(token: token, routing: .forward, trace: trace))
    } catch let refusal as Refusal {
      throw refusal.connectError
    }
  }

  /// At the region that keeps the id.
  func resolve(
    _ procedure: ResolveContest, _ token: String, _ trace: SessionTrace
  ) async throws -> Executor.Execution<Domicile_V1_ResolveContestResponse> {
    var procedure = procedure
    let call = procedure.call
    let set: PlacementSet?
    do { set = try await store.placement(of: procedure.subject) } catch {
      throw Refusal(error, region: call.region.descriptor.id.rawValue)
    }
    guard let set, set.accounts(in: call.region.catalog, except: nil).contains(call.region.descriptor.id) else {
      return try await gateway.executor.execute(procedure, call)
    }
    let named = procedure.others.keys.compactMap { call.region.catalog[$0] }.sorted { $0.ordinal < $1.ordinal }
    if set.isContested {
      if let refusal = set.refusal(agreed: Set(named.map(\.id.rawValue)), call) {
        try await gateway.executor.recordRefusal(
          refusal, activity: ResolveContest.activityAtHome, about: procedure.subject, call)
        throw refusal
      }
      procedure.agreements = try await ask(named, procedure, call, token, trace)
      return try await gateway.executor.execute(procedure, call)
    }
    // A repeat is answered as before, also where the others have done what they agreed to.
    let first = try await gateway.executor.execute(procedure, call)
    guard case .refused(let refusal) = first.outcome, refusal.reason == .subjectNotContested, !named.isEmpty else { return first }
    // Settled, but somebody could not do it: there is an account left, which gets another fate.
    let again = call.part(named.count + 1)
    var second = try ResolveContest(procedure.request, call: again)
    second.agreements = try await ask(named, procedure, call, token, trace)
    return try await gateway.executor.execute(second, again)
  }

  private func ask(
    _ regions: [RegionDescriptor], _ procedure: ResolveContest, _ call: Call, _ token: String, _ trace: SessionTrace
  ) async throws -> [Domicile_V1_ResolveContestResponse.Agreement] {
    var agreements: [Domicile_V1_ResolveContestResponse.Agreement] = []
    for (index, region) in regions.enumerated() {
      guard let account = procedure.others[region.ordinal] else { continue }
      agreements.append(try await ask(region, account, procedure, call.part(index + 1), token, trace))
    }
    return agreements
  }

  private func ask(
    _ region: RegionDescriptor, _ account: Domicile_V1_YieldedAccount, _ procedure: ResolveContest, _ call: Call, _ token: String,
    _ trace: SessionTrace
  ) async throws -> Domicile_V1_ResolveContestResponse.Agreement {
    let request = Domicile_Peer_V1_YieldAccountRequest.with {
      $0.subjectID = procedure.request.subjectID
      $0.tag = procedure.request.tag
      $0.keepRegion = call.region.descriptor.id.rawValue
      $0.account = account
    }
    let response = try await gateway.forwarder.forward(
      try YieldAccount(request, call: call), request, call, to: region, epoch: nil, token: token, trace: trace)
    return .with {
      $0.account = account
      $0.decision = response.decision
      $0.receipt = response.receipt
    }
  }

  private func list(
    _ request: Domicile_V1_ListContestedRequest, _ call: Call
  ) async throws -> Domicile_V1_ListContestedResponse {
    try await gateway.executor.permit("list_contested", to: [.operator, .auditor], call)
    let size = try PageToken.size(request.pageSize)
    let position = try PageToken.position(in: request.pageToken)
    let after = position.isEmpty ? nil : [UInt8](hex: position).flatMap { SubjectTag($0) }
    guard position.isEmpty || after != nil else {
      throw Refusal(
        .invalidArgument, .invalidPageToken, "The page_token is not one that this service gave. Start again without it.")
    }
    let found = try await store.contested(after: after, limit: size + 1)
    return .with {
      $0.contests = found.prefix(size).map { set in
        .with {
          $0.tag = set.tag.description
          $0.homes = set.accounts(in: call.region.catalog, except: nil).map(\.rawValue)
          $0.cause = Set(set.placements.map(\.birth)).count > 1 ? .registeredTwice : .historyLost
        }
      }
      if found.count > size { $0.nextPageToken = PageToken.text(for: found[size - 1].tag.description) }
    }
  }
}

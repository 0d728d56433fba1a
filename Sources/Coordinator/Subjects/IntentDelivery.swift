import AuditTrail
import ConnectRPC
import DecisionRecords
import DomicileAPI
import Foundation
import Logging
import PolicyEngine
import RegionStore
import Residency
import ServiceLifecycle
import SwiftProtobuf

/// Takes registrations for homes that may be out of reach, and passes them on until the homes have answered.
struct IntentDelivery: Service {
  private let store: RegionStore
  private let gateway: Gateway
  private let records: OwnRecords
  private let rounds: WorkflowRounds
  private let logger: Logger

  private static let callTimeout = Duration.seconds(10)

  init(store: RegionStore, gateway: Gateway, records: OwnRecords, logger: Logger) {
    self.store = store
    self.records = records
    self.gateway = gateway
    self.rounds = WorkflowRounds(.intent, in: store, pause: .milliseconds(500), limit: 64, atOnce: 64, logger: logger)
    self.logger = logger
  }

  /// Notes the registration durably, with a record of it.
  /// - Returns: the answer: PENDING.
  func accept(
    _ procedure: RegisterSubject, _ request: Domicile_V1_RegisterSubjectRequest, home: RegionDescriptor, token: String,
    _ call: Call
  ) async throws(Refusal) -> Domicile_V1_RegisterSubjectResponse {
    guard let key = procedure.requestKey else {
      throw Refusal(
        .invalidArgument, .invalidArgument,
        "A registration at level ANY needs a request_id: by it you find out what became of it, and it is done once.")
    }
    // The home decides. What this region's own policies would refuse is said at once.
    let decision = call.deliberateStore(procedure.residence, at: .init(region: home.id, jurisdiction: home.jurisdiction))
    let refusal = decision.effect == .permit ? nil : procedure.residenceRefusal(decision, home: home.id)
    let region = call.region.descriptor.id
    do {
      var request = request
      request.homeRegion = home.id.rawValue
      request.level = .unspecified
      let intent = RegistrationIntent(request, token: token, acceptedAt: call.now, requestKey: key)
      let workflow = try intent.workflow()
      // Noted is noted: the same request once more changes nothing, and another one does not take its place.
      if let earlier = try await store.workflow(workflow.id), try RegistrationIntent(earlier).request != intent.request {
        throw Refusal(
          .alreadyExists, .idempotencyReused,
          "This request_id was used for another request. Nothing was done. Use a new one for a new request.")
      }
      var event = try call.event(.register, reason: refusal?.reason.rawValue)
      event.home = AuditEvent.Place(region: home.id, jurisdiction: home.jurisdiction)
      event.record(decision, by: call.policies)
      let draft = LeafDraft(event, details: nil)
      let operation = Operation(needs: FactsNeeded(subjects: []), now: call.now, deadline: call.deadline) { _, effects in
        effects.record(draft)
        if refusal == nil { effects.begin(workflow, dueAt: call.now) }
      }
      let committed = try await store.commit(operation)
      if let refusal { throw refusal }
      rounds.ring()
      return .with {
        $0.subject = .with {
          $0.subjectID = request.subjectID
          $0.homeRegion = home.id.rawValue
          $0.residence = request.residence
          $0.state = .pending
        }
        $0.decision = call.message(decision)
        if let receipt = committed.receipts.first { $0.receipt = Domicile_V1_Receipt(receipt, region: region) }
        if let standing = committed.standing { $0.attach(standing) }
      }
    } catch let refusal as Refusal {
      throw refusal
    } catch let error as StoreError {
      throw Refusal(error, region: region.rawValue)
    } catch {
      throw Refusal(.unrecordable, region: region.rawValue)
    }
  }

  func run() async throws { await rounds.run(goOn) }

  private func goOn(with due: DueWorkflow) async throws {
    let intent = try RegistrationIntent(due.workflow)
    let isAnswered = await isAnswered(intent)
    guard !Task.isCancelled else { return try await giveBack(due.workflow.id, isAnswered: isAnswered) }
    let outcome = RegistrationIntent.outcome(
      isAnswered: isAnswered, tries: due.tries, acceptedAt: intent.acceptedAt, now: OwnRecords.now)
    switch outcome {
    case .settled: try await store.end(due.workflow.id, now: OwnRecords.now)
    case .again(let delay): try await store.postpone(due.workflow.id, by: delay)
    case .givenUp:
      logger.error(
        "a registration was given up: its home did not answer for a day", metadata: ["home": "\(intent.request.homeRegion)"])
      try await giveUp(intent, due.workflow.id)
    }
  }

  /// The coordinator stops: another one, or the next one in its place, need not wait until the lease is over.
  private func giveBack(_ id: Workflow.ID, isAnswered: Bool) async throws {
    try await Task { isAnswered ? try await store.end(id, now: OwnRecords.now) : try await store.postpone(id, by: .zero) }.value
  }

  private func isAnswered(_ intent: RegistrationIntent) async -> Bool {
    do { return try await send(intent) } catch {
      // The home is retired, or the token's key is gone: that may change, until the day is over.
      logger.warning("a registration for another region was not passed on", metadata: ["error": "\(error)"])
      return false
    }
  }

  /// - Returns: whether the home has said yes or no, and that is recorded here.
  private func send(_ intent: RegistrationIntent) async throws -> Bool {
    guard let home = home(of: intent) else { return false }
    let call = try await call(of: intent)
    do {
      _ = try await gateway.forwarder.forward(
        try RegisterSubject(intent.request, call: call), intent.request, call, to: home, epoch: nil, token: intent.token,
        trace: SessionTrace(), acceptedAt: intent.acceptedAt)
      return true
    } catch let error as ConnectError {
      // A refusal that the home has recorded is its decision. Anything else may be different tomorrow.
      return error.metadata["receipt_region"] == home.id.rawValue
    }
  }

  private func giveUp(_ intent: RegistrationIntent, _ id: Workflow.ID) async throws {
    let record = try records.draft(.register, reason: Reason.deadlineExceeded)
    let home = home(of: intent)
    _ = try await store.commit(
      Operation(needs: FactsNeeded(subjects: []), now: OwnRecords.now) { _, effects in
        effects.record(record.leaf(at: home))
        effects.end(id)
      })
  }

  private func home(of intent: RegistrationIntent) -> RegionDescriptor? {
    RegionID(intent.request.homeRegion).flatMap { gateway.calls.region.catalog[$0] }
  }

  private func call(of intent: RegistrationIntent) async throws -> Call {
    let principal = try await gateway.tokens.principal(token: intent.token, acceptedAt: intent.acceptedAt)
    return try gateway.calls.make(
      principal: principal, asking: gateway.calls.region.descriptor, deadline: .now + Self.callTimeout)
  }
}

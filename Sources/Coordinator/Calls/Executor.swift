import AuditTrail
import Directory
import DomicileAPI
import Logging
import RegionStore
import Residency

/// Runs a procedure in this region's store.
struct Executor: Sendable {
  let store: RegionStore
  let checkpoints: CheckpointHolder
  let logger: Logger

  /// What came of it, committed.
  struct Execution<Response: Sendable>: Sendable {
    enum Outcome: Sendable {
      case answered(Response)
      case refused(Refusal)
      case elsewhere(PlacementLookup)
    }

    let outcome: Outcome
    /// Of the subject in this region's log, for the asking region's log.
    let pseudonym: AuditPseudonym?
    /// The directory's entries about the subject that the call saw and wrote.
    let saw: [LogPosition]
  }

  func execute<Procedure: SubjectProcedure>(_ procedure: Procedure, _ call: Call) async throws(Refusal) -> Execution<
    Procedure.Response
  > {
    let operation = Operation(
      needs: Self.needs(of: procedure, call), now: call.now, deadline: call.deadline, concern: procedure.concern
    ) { facts, effects in
      try Decided(procedure, call, facts, &effects)
    }
    let region = call.region.descriptor.id
    do {
      let committed = try await store.commit(operation, reading: procedure.readPreference)
      return await awaitingWitnesses(
        committed.outcome.execution(of: committed, region: region), procedure, call, until: Self.witnessDeadline(call))
    } catch let error as StoreError {
      call.ticket.fail()
      if error == .deadlineExceeded { recordLate(procedure, call) }
      throw Procedure.writes ? Refusal(error, region: region.rawValue) : Refusal(error, ofReadIn: region.rawValue)
    } catch {
      call.ticket.fail()
      logger.error(
        "a call failed", metadata: ["decision": "\(call.id.hex)", "procedure": "\(Procedure.name)", "error": "\(error)"])
      throw Refusal(.corrupt(what: "a call"), region: region.rawValue)
    }
  }

  /// Runs procedures that change nothing as one operation: they decide on one snapshot, and each records its own leaf.
  /// - Returns: an execution for each, in order; `nil` where one of them is in the way of the others, so that each has to be run on its
  ///   own: a subject's data that cannot be read back, a leaf that cannot be made, a session of another region.
  func execute<Procedure: SubjectProcedure>(
    together procedures: [(procedure: Procedure, call: Call)]
  ) async throws(Refusal) -> [Execution<Procedure.Response>]? {
    guard !Procedure.writes, let preference = procedures.first?.procedure.readPreference, let first = procedures.first?.call,
      procedures.allSatisfy({ $0.procedure.readPreference == preference })
    else { return procedures.isEmpty ? [] : nil }
    let needs = procedures.map { Self.needs(of: $0.procedure, $0.call) }
    var together = FactsNeeded(
      subjects: needs.flatMap(\.subjects), records: needs.flatMap(\.records), pages: needs.flatMap(\.pages))
    together.transferYears = needs.reduce(into: []) { $0.formUnion($1.transferYears) }
    let operation = Operation(needs: together, now: first.now, deadline: first.deadline) { read, effects in
      var facts = read
      return try procedures.map { procedure, call in
        let decided = try Decided(procedure, call, facts, &effects)
        facts.count(effects.transfers)
        return decided
      }
    }
    let region = first.region.descriptor.id
    do {
      let committed = try await store.commit(operation, reading: preference)
      var executions: [Execution<Procedure.Response>] = []
      let end = Self.witnessDeadline(first)
      for (decided, (procedure, call)) in zip(committed.outcome, procedures) {
        executions.append(await awaitingWitnesses(decided.execution(of: committed, region: region), procedure, call, until: end))
      }
      return executions
    } catch let error as StoreError {
      switch error {
      case .corrupt, .unrecordable, .refused, .noStandby, .standbyBehind, .historyLost: return nil
      case .deadlineExceeded:
        for (procedure, call) in procedures {
          call.ticket.fail()
          recordLate(procedure, call)
        }
      default:
        for (_, call) in procedures { call.ticket.fail() }
      }
      throw Refusal(error, ofReadIn: region.rawValue)
    } catch {
      return nil
    }
  }

  private static func needs<Procedure: SubjectProcedure>(of procedure: Procedure, _ call: Call) -> FactsNeeded {
    var needs = procedure.needs
    needs.transferYears = call.transferYears
    return needs
  }

  /// What a procedure decided, and which of its operation's leaves are its own.
  private struct Decided<Response: RecordedAnswer>: Sendable {
    private let answer: HomeAnswer<Response>
    private let pseudonym: AuditPseudonym?
    private let leaves: Range<Int>
    private let entries: Range<Int>
    private let saw: [LogPosition]

    init<Procedure: SubjectProcedure>(
      _ procedure: Procedure, _ call: Call, _ facts: Facts, _ effects: inout Effects
    ) throws where Procedure.Response == Response {
      let before = effects.leaves.count
      let entriesBefore = effects.entries.count
      answer = try procedure.decide(facts, &effects)
      if case .refused(let refusal) = answer, effects.leaves.count == before {
        effects.record(try call.leaf(Recorded(refusing: procedure, with: refusal), facts: facts))
      }
      leaves = before..<effects.leaves.count
      entries = entriesBefore..<effects.entries.count
      saw = facts.placements[procedure.subject]?.placements.map(\.position) ?? []
      // For the asking region's log; an app is never told.
      let auditKey = call.isForwarded ? facts.auditKey(of: procedure.subject) : nil
      pseudonym = try auditKey.map { try call.pseudonym(of: procedure.subject, auditKey: $0) }
    }

    func execution<Outcome>(of committed: Committed<Outcome>, region: RegionID) -> Execution<Response> {
      let receipts = leaves.clamped(to: committed.receipts.indices).map {
        Domicile_V1_Receipt(committed.receipts[$0], region: region)
      }
      let saw = self.saw + committed.entries[entries.clamped(to: committed.entries.indices)]
      return Execution(outcome: outcome(of: committed, receipts), pseudonym: pseudonym, saw: saw)
    }

    private func outcome<Outcome>(
      of committed: Committed<Outcome>, _ receipts: [Domicile_V1_Receipt]
    ) -> Execution<Response>.Outcome {
      switch answer {
      case .answered(var response):
        response.attach(receipts: receipts)
        if let standing = committed.standing { response.attach(standing) }
        return .answered(response)
      case .repeated(var response):
        // With the receipts of then. What it saw and wrote lies before the record of the repeat.
        if let standing = committed.standing { response.attach(standing) }
        return .answered(response)
      case .refused(var refusal):
        if let receipt = receipts.first { refusal.metadata.merge(receipt.metadata) { _, new in new } }
        return .refused(refusal)
      case .elsewhere(let lookup):
        return .elsewhere(lookup)
      }
    }
  }

  /// What is refused before its facts are known is recorded where it concerns somebody at home here.
  func recordRefusal(_ refusal: Refusal, activity: AuditActivity, about subject: SubjectTag, _ call: Call) async throws(Refusal) {
    let operation = Operation(needs: FactsNeeded(subjects: [subject]), now: call.now) { facts, effects in
      guard facts.subjects[subject] != nil else { return }
      effects.record(try call.leaf(Recorded(activity: activity, subject: subject, refusal: refusal), facts: facts))
    }
    let store = self.store
    do {
      _ = try await Task { try await store.commit(operation) }.value
    } catch let error as StoreError {
      call.ticket.fail()
      throw Refusal(error, ofReadIn: call.region.descriptor.id.rawValue)
    } catch {
      call.ticket.fail()
      throw Refusal(.unavailable, region: call.region.descriptor.id.rawValue)
    }
  }

  /// The caller has its answer already; the record follows it.
  private func recordLate<Procedure: SubjectProcedure>(_ procedure: Procedure, _ call: Call) {
    let refusal = Refusal(.deadlineExceeded, region: call.region.descriptor.id.rawValue)
    Task {
      do {
        try await recordRefusal(refusal, activity: Procedure.activityAtHome, about: procedure.subject, call)
      } catch {
        logger.error("a late call was not recorded", metadata: ["decision": "\(call.id.hex)", "error": "\(error)"])
      }
    }
  }

  /// Records something in this region's log that changes nothing else.
  func record(_ event: AuditEvent, _ call: Call) async throws(Refusal) -> Domicile_V1_Receipt {
    do {
      return try await record(event, now: call.now, in: call.region.descriptor.id)
    } catch {
      call.ticket.fail()
      throw error
    }
  }

  /// - Parameter deadline: until when it is tried; `nil` for as long as the store takes.
  func record(
    _ event: AuditEvent, now: UInt64, in region: RegionID, deadline: ContinuousClock.Instant? = nil
  ) async throws(Refusal) -> Domicile_V1_Receipt {
    let draft = LeafDraft(event, details: nil)
    let operation = Operation(needs: FactsNeeded(subjects: []), now: now, deadline: deadline) { _, effects in
      effects.record(draft)
    }
    do {
      // Of its own task: who asked may have given up, and what happened is recorded all the same.
      let store = self.store
      let committed = try await Task { try await store.commit(operation) }.value
      guard let receipt = committed.receipts.first else { throw StoreError.corrupt(what: "a receipt") }
      return Domicile_V1_Receipt(receipt, region: region)
    } catch let error as StoreError {
      throw Refusal(error, ofReadIn: region.rawValue)
    } catch {
      throw Refusal(.unavailable, region: region.rawValue)
    }
  }
}

extension Domicile_V1_Receipt {
  /// As an error carries it.
  var metadata: [String: String] {
    ["receipt_region": region, "receipt_index": String(index), "receipt_leaf_hash": [UInt8](leafHash).hex]
  }
}

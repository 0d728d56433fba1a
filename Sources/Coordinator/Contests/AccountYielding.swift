import AuditTrail
import Directory
import Logging
import RegionStore
import Residency
import ServiceLifecycle

/// Carries out what this region agreed to: an account whose id another region keeps is renamed or erased, once the resolution is known
/// here. Each step is one transaction, and done again it changes nothing, so any coordinator goes on after a crash.
struct AccountYielding: Service {
  let store: RegionStore
  let region: RegionContext
  let records: OwnRecords
  let logger: Logger

  /// While the account is served under an id that may have gone elsewhere.
  private static let postponedMax = Duration.seconds(5)
  /// Records that are copied in one transaction.
  private static let pageSize = 200

  func run() async throws {
    await WorkflowRounds(.yield, in: store, logger: logger).run(goOn)
  }

  private func goOn(with due: DueWorkflow) async throws {
    var plan = try YieldPlan(due.workflow.body)
    switch plan.course(try await store.placement(of: plan.tag), at: region.descriptor.ordinal) {
    case .wait:
      // Soon at first, since the resolution mostly follows at once.
      try await store.postpone(due.workflow.id, by: min(.seconds(1 << min(due.tries, 6)), Self.postponedMax))
    case .void:
      try await store.end(due.workflow.id, now: OwnRecords.now)
    case .stranded:
      logger.error(
        "an account's id went to a region for which nobody agreed to its erasure: it is served here under the old id. Resolve the subject again, with what becomes of this account",
        metadata: ["tag": "\(plan.tag)"])
      try await store.postpone(due.workflow.id, by: WorkflowRounds.restedFor)
    case .carryOut:
      guard try await remove(&plan) else { return }
      try await store.destroyKeysOfNobody(plan.tag)
      try await store.end(due.workflow.id, now: OwnRecords.now)
      logger.notice(
        "an account gave up its id", metadata: ["tag": "\(plan.tag)", "fate": plan.newTag == nil ? "erased" : "renamed"])
    }
  }

  /// - Returns: whether there is no account under the old id any more.
  private func remove(_ plan: inout YieldPlan) async throws -> Bool {
    if case .removed = plan.step { return true }
    guard let newTag = plan.newTag else {
      try await erase(plan)
      return true
    }
    return try await rename(&plan, to: newTag)
  }

  private func erase(_ plan: YieldPlan) async throws {
    let record = try records.draft(.erase)
    try await commit([plan.tag]) { facts, effects in
      guard facts.subjects[plan.tag] != nil else { return }
      effects.record(try record.leaf(about: plan.tag, facts: facts))
      effects.remove(plan.tag)
      effects.keep(plan.removed.workflow, dueAt: effects.now)
    }
  }

  /// - Returns: whether the account has its new id; where that was taken meanwhile, an operator has to choose another.
  private func rename(_ plan: inout YieldPlan, to newTag: SubjectTag) async throws -> Bool {
    if case .agreed = plan.step {
      guard try await begin(&plan, newTag) else { return false }
    }
    guard case .copying(let state) = plan.step else { return true }
    for collection in try await store.collections(of: plan.tag) {
      var after = ""
      while let last = try await copy(collection, after: after, from: plan.tag, to: newTag) { after = last }
    }
    let (tag, removed, record) = (plan.tag, plan.removed, try records.draft(.resolveContest))
    try await commit([tag, newTag]) { facts, effects in
      guard facts.subjects[tag] != nil else { return }
      effects.record(
        try record.leaf(about: newTag, facts: facts, details: .object(["former_tag": .string(tag.description)])))
      effects.set(state, of: newTag)
      effects.remove(tag)
      effects.keep(removed.workflow, dueAt: effects.now)
    }
    return true
  }

  /// Makes the account under the new id, and lets neither take writes.
  private func begin(_ plan: inout YieldPlan, _ newTag: SubjectTag) async throws -> Bool {
    // The same keys, so that the person's past in the log stays theirs.
    switch try await store.copyKeys(from: plan.tag, to: newTag) {
    case .copied: break
    case .nothingToCopy:
      // Done before, unless the account is still there: then its keys are lost, and nothing may be destroyed for that.
      let tag = plan.tag
      guard try await commit([tag], { facts, _ in facts.subjects[tag] == nil }) else {
        throw StoreError.corrupt(what: "a subject's keys")
      }
      return true
    case .othersAreThere:
      try await rest(plan, "its new id has been used before")
      return false
    }
    let (agreed, region, now) = (plan, region.descriptor.ordinal, OwnRecords.now)
    let record = try records.draft(.register)
    let lease = UInt64(WorkflowRounds.lease / .milliseconds(1))
    let outcome = try await commit([plan.tag, newTag], createsKeys: true) {
      facts, effects -> Result<YieldPlan?, PlacementRefusal> in
      guard let person = facts.subjects[agreed.tag] else { return .success(agreed) }
      // Another coordinator has begun, or another resolution's plan for the same account.
      guard facts.subjects[newTag] == nil, person.state != .frozen else { return .success(nil) }
      var plan = agreed
      plan.step = .copying(to: person.state)
      let entry: DirectoryEntry
      do throws(PlacementRefusal) {
        entry = try PlacementWriter(region: region).register(
          newTag, current: facts.placements[newTag], timestamp: HybridTimestamp(milliseconds: now))
      } catch {
        return .failure(error)
      }
      effects.record(try record.leaf(about: newTag, facts: facts))
      effects.register(newTag, residence: person.residence, entry: entry)
      for consent in person.consents { effects.set(consent, of: newTag) }
      effects.set(.frozen, of: newTag)
      effects.set(.frozen, of: plan.tag)
      effects.keep(plan.workflow, dueAt: now + lease)
      return .success(plan)
    }
    switch outcome {
    case .success(let begun?):
      // Where the account has left meanwhile, its keys are nobody's under the new id.
      if begun.step == .agreed { try await store.destroyKeysOfNobody(newTag) }
      plan = begun
      return true
    case .success(nil):
      try await store.destroyKeysOfNobody(newTag)
      return false
    case .failure(let refusal):
      // They were put there above, and nobody has an account under that id here.
      try await store.destroyKeys(of: newTag)
      try await rest(plan, "its new id was taken meanwhile (\(refusal))")
      return false
    }
  }

  private func rest(_ plan: YieldPlan, _ why: String) async throws {
    logger.error(
      "an account cannot be renamed. It is served under the old id: resolve the subject again, with another new id for this account",
      metadata: ["tag": "\(plan.tag)", "why": "\(why)"])
    try await store.postpone(plan.workflow.id, by: WorkflowRounds.restedFor)
  }

  /// - Returns: the last key of the page; `nil` where nothing follows.
  private func copy(
    _ collection: CollectionName, after: String, from tag: SubjectTag, to newTag: SubjectTag
  ) async throws -> String? {
    let page = PageAddress(tag: tag, collection: collection, after: after, limit: Self.pageSize)
    return try await commit([tag, newTag], pages: [page]) { facts, effects in
      guard let found = facts.pages[page] else { return nil }
      for record in found.records {
        guard let value = record.value else { continue }
        effects.put(
          RecordAddress(tag: newTag, collection: collection, key: record.address.key), version: record.version, value: value)
      }
      return found.hasMore ? found.records.last?.address.key : nil
    }
  }

  @discardableResult
  private func commit<R: Sendable>(
    _ subjects: [SubjectTag], pages: [PageAddress] = [], createsKeys: Bool = false,
    _ decide: @escaping @Sendable (Facts, inout Effects) throws -> R
  ) async throws -> R {
    let needs = FactsNeeded(subjects: subjects, pages: pages, mayWrite: true, createsKeys: createsKeys)
    return try await store.commit(Operation(needs: needs, now: OwnRecords.now, decide: decide)).outcome
  }
}

extension YieldPlan {
  fileprivate var removed: YieldPlan {
    var plan = self
    plan.step = .removed
    return plan
  }
}

import Logging
import RegionStore
import Residency
import ServiceLifecycle

/// The keys of a subject that was erased, which are still to be destroyed.
struct ErasedKeys: Hashable, Sendable {
  let tag: SubjectTag

  init(tag: SubjectTag) { self.tag = tag }

  var workflow: Workflow { Workflow(id: Workflow.ID(.erasure, key: tag.bytes), body: tag.bytes) }

  /// - Throws: `StoreError.corrupt`.
  init(_ body: [UInt8]) throws(StoreError) {
    guard let tag = SubjectTag(body) else { throw .corrupt(what: "a workflow") }
    self.tag = tag
  }
}

/// Destroys the keys of those who were erased. They are in another database than the account, so it is a step of its own: it is done again
/// until it is done, by whichever coordinator comes to it.
struct KeyDestruction: Service {
  let store: RegionStore
  let logger: Logger

  func run() async throws {
    await WorkflowRounds(.erasure, in: store, logger: logger).run { due in
      let keys = try ErasedKeys(due.workflow.body)
      try await store.destroyKeysOfNobody(keys.tag)
      try await store.forgetTransfers(of: keys.tag)
      try await store.end(due.workflow.id, now: OwnRecords.now)
      // Somebody may have asked for the id meanwhile: whoever does so from now on begins this anew.
      try await store.destroyKeysOfNobody(keys.tag)
      logger.notice("the keys of an erased subject were destroyed")
    }
  }
}

extension RegionStore {
  /// Whoever has an account under the id again keeps its keys.
  func destroyKeysOfNobody(_ tag: SubjectTag) async throws {
    let needs = FactsNeeded(subjects: [tag], mayWrite: true)
    let hasAccount = try await commit(
      Operation(needs: needs, now: OwnRecords.now) { facts, _ in facts.subjects[tag] != nil }
    ).outcome
    guard !hasAccount else { return }
    try await destroyKeys(of: tag)
  }
}

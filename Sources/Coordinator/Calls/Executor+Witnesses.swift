import ConnectRPC
import DomicileAPI
import PolicyEngine
import Residency

/// Disclosures that are released only once witnesses have cosigned their record.
extension Executor {
  /// A disclosure that is to be beyond denial waits for the witnesses of its record. Without them it is refused.
  func awaitingWitnesses<Procedure: SubjectProcedure>(
    _ execution: Execution<Procedure.Response>, _ procedure: Procedure, _ call: Call, until end: ContinuousClock.Instant
  ) async -> Execution<Procedure.Response> {
    guard !Procedure.writes, case .answered(let response) = execution.outcome, let receipt = response.receiptOfHome,
      let refusal = await witnessRefusal(receipt, procedure.recordedCollection, call, until: end)
    else { return execution }
    return Execution(outcome: .refused(refusal), pseudonym: execution.pseudonym, saw: execution.saw)
  }

  /// - Returns: why what was read of the collection may not be released yet; `nil` where it may.
  func witnessRefusal(
    _ receipt: Domicile_V1_Receipt, _ collection: CollectionName?, _ call: Call, until end: ContinuousClock.Instant
  ) async -> Refusal? {
    guard let collection, call.policies.collection(collection)?.audit == .strictWitness else { return nil }
    guard await !checkpoints.isWitnessed(receipt.index, by: end) else { return nil }
    return checkpoints.unpublished > .zero ? .notPublished(collection, receipt) : .notWitnessed(collection, receipt)
  }

  static func witnessDeadline(_ call: Call) -> ContinuousClock.Instant {
    let end = ContinuousClock.now + witnessPatience
    return call.deadline.map { min($0 - answerTime, end) } ?? end
  }

  /// How long a disclosure waits for witnesses: some checkpoints.
  private static let witnessPatience = Duration.seconds(10)
  /// What is left for the answer to reach its caller before the deadline.
  private static let answerTime = Duration.milliseconds(100)
}

extension Refusal {
  fileprivate static func notPublished(_ collection: CollectionName, _ receipt: Domicile_V1_Receipt) -> Refusal {
    Refusal(
      .unavailable, .auditUnavailable,
      "Nothing of '\(collection)' was released: its policy asks for a record that witnesses have cosigned, and \(receipt.region) cannot publish its log for them now. Try again; if it lasts, its operator has to look at domicile_audit_unpublished_seconds.",
      metadata: receipt.metadata)
  }

  fileprivate static func notWitnessed(_ collection: CollectionName, _ receipt: Domicile_V1_Receipt) -> Refusal {
    Refusal(
      .unavailable, .auditUnavailable,
      "Nothing of '\(collection)' was released: its policy asks for a record that witnesses have cosigned, and too few of \(receipt.region)'s have answered in time. Try again; if it lasts, see domicile_audit_unwitnessed_seconds.",
      metadata: receipt.metadata)
  }
}

import ConnectRPC
import DomicileAPI
import SwiftProtobuf

/// Many reads in one call, each decided, recorded and answered on its own: one that is denied does not take the others along.
extension Gateway {
  static let batchName = ProcedureName(service: "domicile.v1.RecordService", method: "BatchGetRecords")
  private static let itemsMax = 1_000
  /// Reads of one batch that are under way at once: enough to fill the committer's batches, not enough to starve other callers.
  private static let concurrencyMax = 64
  /// Records after those that take the answer over this are not read: 8 MiB, half of what a client takes by default.
  private static let answerBytesMax = 8 * 1_048_576

  var batchMethod: UnaryMethod {
    UnaryMethod(Self.batchName.service, Self.batchName.method) {
      (request: Domicile_V1_BatchGetRecordsRequest, context: CallContext) in
      try await answer(request, context)
    }
  }

  private func answer(
    _ request: Domicile_V1_BatchGetRecordsRequest, _ context: CallContext
  ) async throws -> Domicile_V1_BatchGetRecordsResponse {
    guard (1...Self.itemsMax).contains(request.items.count) else {
      throw Refusal(
        .invalidArgument, .invalidArgument, "A batch has 1 to \(Self.itemsMax) items; this one has \(request.items.count)."
      ).connectError
    }
    _ = try await authenticate(context)
    var answerBytes = 0
    var results = [Domicile_V1_BatchGetRecordsResponse.Result](repeating: .init(), count: request.items.count)
    try await withThrowingTaskGroup(of: (Int, Domicile_V1_BatchGetRecordsResponse.Result).self) { group in
      for (index, item) in request.items.enumerated() {
        if index >= Self.concurrencyMax, let (done, result) = try await group.next() {
          answerBytes += try result.serializedData().count
          results[done] = result
        }
        guard answerBytes < Self.answerBytesMax else {
          results[index] = Self.tooMuch
          continue
        }
        group.addTask { (index, try await self.result(of: item, purpose: request.purpose, context)) }
      }
      for try await (done, result) in group { results[done] = result }
    }
    return .with { $0.results = results }
  }

  private static let tooMuch = Domicile_V1_BatchGetRecordsResponse.Result.with {
    $0.failure = .with {
      $0.code = ConnectCode.resourceExhausted.rawValue
      $0.reason = Reason.valueTooLarge.rawValue
      $0.message = "The answer is full. This record was not read: ask for it in another batch."
    }
  }

  private func result(
    of item: Domicile_V1_BatchGetRecordsRequest.Item, purpose: String, _ context: CallContext
  ) async throws -> Domicile_V1_BatchGetRecordsResponse.Result {
    let request = Domicile_V1_GetRecordRequest.with {
      $0.subjectID = item.subjectID
      $0.collection = item.collection
      $0.key = item.key
      $0.purpose = purpose
    }
    do {
      let found = try await answer(GetRecord.self, request, context)
      return .with { $0.found = found }
    } catch let error as ConnectError {
      return .with {
        $0.failure = .with {
          $0.code = error.code.rawValue
          $0.reason = error.reason ?? ""
          $0.message = error.message
        }
      }
    }
  }
}

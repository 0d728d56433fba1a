import ConnectRPC
import DomicileAPI
import RegionStore
import Residency
import SwiftProtobuf

/// Many reads in one call, each decided, recorded and answered on its own: one that is denied does not take the others along.
extension Gateway {
  static let batchName = ProcedureName(service: "domicile.v1.RecordService", method: "BatchGetRecords")
  private static let itemsMax = 1_000
  /// Items that are read as one operation of the store: their records are in memory together, and each may have a megabyte.
  private static let togetherMax = 128
  /// Items of people at home elsewhere that are under way at once.
  private static let concurrencyMax = 64
  /// Records after those that take the answer's values over about this are not read: 8 MiB, half of what a client takes by default.
  private static let answerBytesMax = 8 * 1_048_576

  var batchMethod: UnaryMethod {
    UnaryMethod(Self.batchName.service, Self.batchName.method) {
      (request: Domicile_V1_BatchGetRecordsRequest, context: CallContext) in
      try await answer(request, context)
    }
  }

  private typealias BatchResult = Domicile_V1_BatchGetRecordsResponse.Result

  private func answer(
    _ request: Domicile_V1_BatchGetRecordsRequest, _ context: CallContext
  ) async throws -> Domicile_V1_BatchGetRecordsResponse {
    guard (1...Self.itemsMax).contains(request.items.count) else {
      throw Refusal(
        .invalidArgument, .invalidArgument, "A batch has 1 to \(Self.itemsMax) items; this one has \(request.items.count)."
      ).connectError
    }
    let routing = try Self.routing(context)
    let trace = try directory.trace(of: context)
    defer { directory.conclude(trace, context) }
    var answerBytes = 0
    var results: [BatchResult] = []
    results.reserveCapacity(request.items.count)
    for start in stride(from: 0, to: request.items.count, by: Self.togetherMax) {
      let requests = request.items[start..<min(start + Self.togetherMax, request.items.count)].map {
        Domicile_V1_GetRecordRequest($0, of: request)
      }
      guard answerBytes < Self.answerBytesMax else {
        results += requests.map { _ in Self.tooMuch }
        continue
      }
      let found = try await answers(to: requests, context, routing, trace)
      answerBytes += found.reduce(0) { $0 + $1.found.record.value.approximateByteCount }
      results += found
    }
    return .with { $0.results = results }
  }

  /// One item that stands ready to be read, with the place of its answer.
  private struct Item {
    let place: Int
    let request: Domicile_V1_GetRecordRequest
    let procedure: GetRecord
    let call: Call
  }

  private func answers(
    to requests: [Domicile_V1_GetRecordRequest], _ context: CallContext, _ routing: Routing, _ trace: SessionTrace
  ) async throws -> [BatchResult] {
    var results = [BatchResult](repeating: BatchResult(), count: requests.count)
    var items: [Item] = []
    // Once for each stretch of the batch: a token may run out on the way.
    let (principal, token) = try await principal(context)
    let manner = Manner(token: token, routing: routing, trace: trace)
    for (place, request) in requests.enumerated() {
      let call = try call(of: principal, context)
      do {
        items.append(
          Item(place: place, request: request, procedure: try await prepare(GetRecord.self, request, call), call: call))
      } catch {
        results[place] = BatchResult(error.connectError)
      }
    }
    let together: [Executor.Execution<Domicile_V1_GetRecordResponse>]?
    do {
      together = try await executor.execute(together: items.map { ($0.procedure, $0.call) })
    } catch {
      for item in items { results[item.place] = BatchResult(error.connectError) }
      return results
    }
    try await withThrowingTaskGroup(of: (Int, BatchResult).self) { group in
      var underWay = 0
      for (index, item) in items.enumerated() {
        let execution = together?[index]
        if let execution, case .answered(let response) = execution.outcome {
          trace.saw(execution.saw)
          results[item.place] = .with { $0.found = response }
          continue
        }
        if underWay >= Self.concurrencyMax, let (place, result) = try await group.next() {
          results[place] = result
          underWay -= 1
        }
        underWay += 1
        group.addTask { (item.place, await self.result(of: item, execution, manner)) }
      }
      for try await (place, result) in group { results[place] = result }
    }
    return results
  }

  /// - Parameter execution: what came of it here; `nil` where it has not been run.
  private func result(
    of item: Item, _ execution: Executor.Execution<Domicile_V1_GetRecordResponse>?, _ manner: Manner
  ) async -> BatchResult {
    do {
      let known: Executor.Execution<Domicile_V1_GetRecordResponse>
      if let execution { known = execution } else { known = try await executor.execute(item.procedure, item.call) }
      let found = try await conclude(known, item.procedure, item.request, item.call, manner)
      return .with { $0.found = found }
    } catch let refusal as Refusal {
      return BatchResult(refusal.connectError)
    } catch let error as ConnectError {
      return BatchResult(error)
    } catch {
      return BatchResult(Refusal(.corrupt(what: "a call"), region: item.call.region.descriptor.id.rawValue).connectError)
    }
  }

  private static let tooMuch = BatchResult.with {
    $0.failure = .with {
      $0.code = ConnectCode.resourceExhausted.rawValue
      $0.reason = Reason.valueTooLarge.rawValue
      $0.message = "The answer is full. This record was not read: ask for it in another batch."
    }
  }
}

extension Domicile_V1_BatchGetRecordsResponse.Result {
  fileprivate init(_ error: ConnectError) {
    self = .with {
      $0.failure = .with {
        $0.code = error.code.rawValue
        $0.reason = error.reason ?? ""
        $0.message = error.message
      }
    }
  }
}

extension Domicile_V1_GetRecordRequest {
  fileprivate init(_ item: Domicile_V1_BatchGetRecordsRequest.Item, of batch: Domicile_V1_BatchGetRecordsRequest) {
    self = .with {
      $0.subjectID = item.subjectID
      $0.collection = item.collection
      $0.key = item.key
      $0.purpose = batch.purpose
      if batch.hasReadPreference { $0.readPreference = batch.readPreference }
    }
  }
}

extension Google_Protobuf_Struct {
  /// What it takes in an answer, but for a few bytes a value.
  fileprivate var approximateByteCount: Int {
    fields.reduce(0) { $0 + $1.key.utf8.count + 4 + $1.value.approximateByteCount }
  }
}

extension Google_Protobuf_Value {
  fileprivate var approximateByteCount: Int {
    switch kind {
    case .stringValue(let text): text.utf8.count + 4
    case .listValue(let list): list.values.reduce(4) { $0 + $1.approximateByteCount }
    case .structValue(let members): members.approximateByteCount + 4
    case .numberValue, .boolValue, .nullValue, nil: 9
    }
  }
}

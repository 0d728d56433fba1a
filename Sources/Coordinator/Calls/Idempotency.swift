import ConnectRPC
import Cryptography
import DomicileAPI
import Foundation
import RegionStore
import Residency
import SwiftProtobuf

/// What makes a write safe to repeat: a key for the request id, and what was asked and answered under it.
enum Idempotency {
  /// Of a caller's own request ids only: nobody can guess at another's answers.
  static func key(requestID: String, principal: String, subject: SubjectTag) -> [UInt8] {
    let parts: JSONValue = [.string(requestID), .string(principal), .string(subject.description)]
    return SHA256.hash(parts.canonicalBytes)
  }

  /// The request's meaning, whatever encoding it came in.
  static func hash<Request: Message>(of request: Request) throws -> [UInt8] {
    SHA256.hash(Array("\(Request.protoMessageName)\0".utf8) + (try request.serializedBytes(options: deterministic) as [UInt8]))
  }

  /// What to answer where the request id was used before. Asked only behind the gate: a repeat passes the same checks.
  static func earlierAnswer<Response: RecordedAnswer>(
    _ facts: Facts, key: [UInt8]?, request: some Message, call: Call
  ) throws -> HomeAnswer<Response>? {
    guard let key, let settled = facts.settledRequests[key] else { return nil }
    guard case .answered(let answer, let requestHash, let receipts) = settled else {
      return .refused(
        Refusal(
          .aborted, .fenced,
          "This request_id was settled as not done, so it never will be. Nothing was done. Use a new one to do it after all."))
    }
    guard try requestHash == hash(of: request) else {
      return .refused(
        Refusal(
          .alreadyExists, .idempotencyReused,
          "This request_id was used for another request. Nothing was done. Use a new one for a new request."))
    }
    var response = try Response(serializedBytes: answer)
    response.attach(receipts: receipts.map { Domicile_V1_Receipt($0, region: call.region.descriptor.id) })
    return .repeated(response)
  }

  static func remember(
    _ response: some Message, of request: some Message, about subject: SubjectTag, key: [UInt8]?, in effects: inout Effects
  ) throws {
    guard let key else { return }
    effects.remember(try response.serializedBytes() as [UInt8], about: subject, key: key, requestHash: try hash(of: request))
  }

  private static let deterministic: BinaryEncodingOptions = {
    var options = BinaryEncodingOptions()
    options.useDeterministicOrdering = true
    return options
  }()
}

extension Domicile_V1_Receipt {
  init(_ receipt: LeafReceipt, region: RegionID) {
    self.init()
    self.region = region.rawValue
    index = receipt.index
    leafHash = Data(receipt.hash)
  }
}

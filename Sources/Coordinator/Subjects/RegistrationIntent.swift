import DomicileAPI
import Foundation
import RegionStore
import SwiftProtobuf

/// A registration that this region has accepted for a home elsewhere (level ANY): the call as the app made it, to be passed on when the home
/// can be reached.
struct RegistrationIntent: Sendable {
  let request: Domicile_V1_RegisterSubjectRequest
  let token: String
  /// When the app called: its token held then. Milliseconds since 1970 UTC.
  let acceptedAt: UInt64
  /// Names it, and the request at its home.
  let requestKey: [UInt8]

  /// How long the home is tried: 24 hours, as long as a home remembers a request id.
  static let ageMaxMilliseconds: UInt64 = 24 * 3_600 * 1_000

  init(_ request: Domicile_V1_RegisterSubjectRequest, token: String, acceptedAt: UInt64, requestKey: [UInt8]) {
    self.request = request
    self.token = token
    self.acceptedAt = acceptedAt
    self.requestKey = requestKey
  }

  /// - Throws: what reading the message throws.
  init(_ workflow: Workflow) throws {
    let kept = try Domicile_Peer_V1_ExecuteRequest(serializedBytes: workflow.body)
    request = try Domicile_V1_RegisterSubjectRequest(serializedBytes: kept.request)
    token = kept.token
    acceptedAt = kept.acceptedAt
    requestKey = workflow.id.key
  }

  func workflow() throws -> Workflow {
    let kept = try Domicile_Peer_V1_ExecuteRequest.with {
      $0.procedure = RegisterSubject.name.description
      $0.request = try request.serializedData()
      $0.token = token
      $0.acceptedAt = acceptedAt
    }
    return Workflow(id: Workflow.ID(.intent, key: requestKey), body: try kept.serializedBytes())
  }
}

extension RegistrationIntent {
  /// What becomes of it after a try.
  enum Outcome: Hashable, Sendable {
    /// Its home has answered, by registering the subject or by refusing to.
    case settled
    /// Its home did not answer, or not for good.
    case again(after: Duration)
    /// Its time is over.
    case givenUp
  }

  private static let pauseMax = Duration.seconds(30)

  /// - Parameters:
  ///   - isAnswered: whether the home has said yes or no.
  ///   - tries: how often it was tried before.
  static func outcome(isAnswered: Bool, tries: Int, acceptedAt: UInt64, now: UInt64) -> Outcome {
    if isAnswered { return .settled }
    guard now < acceptedAt + ageMaxMilliseconds else { return .givenUp }
    return .again(after: min(.milliseconds(500 << min(tries, 8)), pauseMax))
  }
}

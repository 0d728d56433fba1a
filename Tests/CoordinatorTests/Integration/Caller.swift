import ConnectRPC
import DomicileAPI
import HTTPTypes
import Residency
import SwiftProtobuf

/// The API as one caller uses it at one region.
struct Caller: Sendable {
  let client: ConnectClient
  let region: RegionID
  /// `nil`: it shows none.
  let token: String?
  var timeout: Duration = .seconds(20)
  var routing: String?

  func call<Request: Message, Response: Message>(
    _ service: String, _ method: String, _ request: Request, as response: Response.Type = Response.self
  ) async throws(ConnectError) -> Response {
    var headers: HTTPFields = [:]
    if let token { headers[.authorization] = "Bearer \(token)" }
    if let routing, let name = HTTPField.Name("Domicile-Routing") { headers[name] = routing }
    return try await client.call("domicile.v1.\(service)", method, request, headers: headers, timeout: timeout)
  }

  func with(timeout: Duration) -> Caller {
    var caller = self
    caller.timeout = timeout
    return caller
  }

  func with(routing: String) -> Caller {
    var caller = self
    caller.routing = routing
    return caller
  }

  // MARK: Subjects

  @discardableResult
  func register(
    _ subject: String, home: RegionID? = nil, country: String = "DE", subdivision: String = "", citizenship: [String] = [],
    requestID: String = "", level: Domicile_V1_RegisterSubjectRequest.Level = .unspecified
  ) async throws(ConnectError) -> Domicile_V1_RegisterSubjectResponse {
    try await call(
      "SubjectService", "RegisterSubject",
      Domicile_V1_RegisterSubjectRequest.with {
        $0.subjectID = subject
        $0.homeRegion = home?.rawValue ?? ""
        $0.residence.country = country
        $0.residence.subdivision = subdivision
        $0.residence.citizenship = citizenship
        $0.requestID = requestID
        $0.level = level
      })
  }

  func subject(_ subject: String, purpose: String = "service") async throws(ConnectError) -> Domicile_V1_GetSubjectResponse {
    try await call(
      "SubjectService", "GetSubject",
      Domicile_V1_GetSubjectRequest.with {
        $0.subjectID = subject
        $0.purpose = purpose
      })
  }

  func locate(
    _ subject: String, level: Domicile_V1_LocateSubjectRequest.Level = .unspecified
  ) async throws(ConnectError) -> Domicile_V1_LocateSubjectResponse {
    try await call(
      "SubjectService", "LocateSubject",
      Domicile_V1_LocateSubjectRequest.with {
        $0.subjectID = subject
        $0.level = level
      })
  }

  @discardableResult
  func consent(
    _ subject: String, to purpose: String, kind: String = "", requestID: String = ""
  ) async throws(ConnectError) -> Domicile_V1_SetConsentResponse {
    try await call(
      "SubjectService", "SetConsent",
      Domicile_V1_SetConsentRequest.with {
        $0.subjectID = subject
        $0.purpose = purpose
        $0.kind = kind
        $0.requestID = requestID
      })
  }

  @discardableResult
  func withdrawConsent(
    _ subject: String, to purpose: String, requestID: String = ""
  ) async throws(ConnectError) -> Domicile_V1_WithdrawConsentResponse {
    try await call(
      "SubjectService", "WithdrawConsent",
      Domicile_V1_WithdrawConsentRequest.with {
        $0.subjectID = subject
        $0.purpose = purpose
        $0.requestID = requestID
      })
  }

  @discardableResult
  func erase(_ subject: String) async throws(ConnectError) -> Domicile_V1_EraseSubjectResponse {
    try await call("SubjectService", "EraseSubject", Domicile_V1_EraseSubjectRequest.with { $0.subjectID = subject })
  }

  // MARK: Contests

  func contested() async throws(ConnectError) -> [Domicile_V1_Contest] {
    let answer: Domicile_V1_ListContestedResponse = try await call(
      "SubjectService", "ListContested", Domicile_V1_ListContestedRequest.with { $0.pageSize = 1_000 })
    return answer.contests
  }

  /// - Parameters:
  ///   - rename: new ids by region.
  @discardableResult
  func resolve(
    _ subject: String, keep: RegionID, rename: [RegionID: String] = [:], erase: [RegionID] = [], requestID: String = ""
  ) async throws(ConnectError) -> Domicile_V1_ResolveContestResponse {
    try await call(
      "SubjectService", "ResolveContest",
      Domicile_V1_ResolveContestRequest.with {
        $0.subjectID = subject
        $0.keepRegion = keep.rawValue
        $0.requestID = requestID
        $0.others = rename.map { region, id in
          .with {
            $0.region = region.rawValue
            $0.fate = .renamed
            $0.newSubjectID = id
          }
        }
        $0.others += erase.map { region in
          .with {
            $0.region = region.rawValue
            $0.fate = .erased
          }
        }
      })
  }

  // MARK: Records

  @discardableResult
  func put(
    _ subject: String, _ collection: String, _ key: String, _ value: Google_Protobuf_Struct,
    expectedVersion: UInt64? = nil, requestID: String = "", purpose: String = ""
  ) async throws(ConnectError) -> Domicile_V1_PutRecordResponse {
    try await call(
      "RecordService", "PutRecord",
      Domicile_V1_PutRecordRequest.with {
        $0.subjectID = subject
        $0.collection = collection
        $0.key = key
        $0.value = value
        if let expectedVersion { $0.expectedVersion = expectedVersion }
        $0.requestID = requestID
        $0.purpose = purpose
      })
  }

  /// Of the subject's one profile.
  @discardableResult
  func put(
    _ subject: String, _ value: Google_Protobuf_Struct, expectedVersion: UInt64? = nil, requestID: String = ""
  ) async throws(ConnectError) -> Domicile_V1_PutRecordResponse {
    try await put(subject, "profile", "main", value, expectedVersion: expectedVersion, requestID: requestID)
  }

  func get(
    _ subject: String, _ collection: String = "profile", _ key: String = "main", purpose: String = "service",
    fields: [String] = []
  ) async throws(ConnectError) -> Domicile_V1_GetRecordResponse {
    try await call(
      "RecordService", "GetRecord",
      Domicile_V1_GetRecordRequest.with {
        $0.subjectID = subject
        $0.collection = collection
        $0.key = key
        $0.purpose = purpose
        $0.fields = fields
      })
  }

  @discardableResult
  func delete(
    _ subject: String, _ collection: String = "profile", _ key: String = "main", expectedVersion: UInt64? = nil,
    requestID: String = ""
  ) async throws(ConnectError) -> Domicile_V1_DeleteRecordResponse {
    try await call(
      "RecordService", "DeleteRecord",
      Domicile_V1_DeleteRecordRequest.with {
        $0.subjectID = subject
        $0.collection = collection
        $0.key = key
        if let expectedVersion { $0.expectedVersion = expectedVersion }
        $0.requestID = requestID
      })
  }

  func list(
    _ subject: String, _ collection: String = "profile", purpose: String = "service", size: UInt32 = 0, token: String = ""
  ) async throws(ConnectError) -> Domicile_V1_ListRecordsResponse {
    try await call(
      "RecordService", "ListRecords",
      Domicile_V1_ListRecordsRequest.with {
        $0.subjectID = subject
        $0.collection = collection
        $0.purpose = purpose
        $0.pageSize = size
        $0.pageToken = token
      })
  }

  func batch(
    _ items: [(subject: String, collection: String, key: String)], purpose: String = "service"
  ) async throws(ConnectError) -> Domicile_V1_BatchGetRecordsResponse {
    try await call(
      "RecordService", "BatchGetRecords",
      Domicile_V1_BatchGetRecordsRequest.with {
        $0.items = items.map { item in
          .with {
            $0.subjectID = item.subject
            $0.collection = item.collection
            $0.key = item.key
          }
        }
        $0.purpose = purpose
      })
  }

  typealias Change = Domicile_V1_CommitRecordsRequest.Change

  @discardableResult
  func commit(
    _ subject: String, _ changes: [Change], requestID: String = "", concern: Domicile_V1_WriteConcern = .unspecified
  ) async throws(ConnectError) -> Domicile_V1_CommitRecordsResponse {
    try await call(
      "RecordService", "CommitRecords",
      Domicile_V1_CommitRecordsRequest.with {
        $0.subjectID = subject
        $0.changes = changes
        $0.requestID = requestID
        $0.writeConcern = concern
      })
  }

  func settle(_ requestID: String, of subject: String) async throws(ConnectError) -> Domicile_V1_SettleWriteResponse {
    try await call(
      "RecordService", "SettleWrite",
      Domicile_V1_SettleWriteRequest.with {
        $0.subjectID = subject
        $0.requestID = requestID
      })
  }

  func get(
    _ subject: String, _ preference: Domicile_V1_ReadPreference, purpose: String = "service"
  ) async throws(ConnectError) -> Domicile_V1_GetRecordResponse {
    try await call(
      "RecordService", "GetRecord",
      Domicile_V1_GetRecordRequest.with {
        $0.subjectID = subject
        $0.collection = "profile"
        $0.key = "main"
        $0.purpose = purpose
        $0.readPreference = preference
      })
  }

  func put(
    _ subject: String, _ value: Google_Protobuf_Struct, concern: Domicile_V1_WriteConcern
  ) async throws(ConnectError) -> Domicile_V1_PutRecordResponse {
    try await call(
      "RecordService", "PutRecord",
      Domicile_V1_PutRecordRequest.with {
        $0.subjectID = subject
        $0.collection = "profile"
        $0.key = "main"
        $0.value = value
        $0.writeConcern = concern
      })
  }

  // MARK: The rest

  func decide(
    _ fill: (inout Domicile_V1_DecideRequest) -> Void
  ) async throws(ConnectError) -> Domicile_V1_DecideResponse {
    var request = Domicile_V1_DecideRequest()
    fill(&request)
    return try await call("PolicyService", "Decide", request)
  }

  func regions() async throws(ConnectError) -> [Domicile_V1_Region] {
    let answer: Domicile_V1_ListRegionsResponse = try await call("RegionService", "ListRegions", Domicile_V1_ListRegionsRequest())
    return answer.regions
  }

  func events(
    of subject: String = "", decision: String = "", principal: String = "", size: UInt32 = 0, token: String = ""
  ) async throws(ConnectError) -> Domicile_V1_ListEventsResponse {
    try await call(
      "AuditService", "ListEvents",
      Domicile_V1_ListEventsRequest.with {
        $0.subjectID = subject
        $0.decision = decision
        $0.principal = principal
        $0.pageSize = size
        $0.pageToken = token
      })
  }

  func storedVersions(
    size: UInt32 = 0, token: String = ""
  ) async throws(ConnectError) -> Domicile_V1_ListStoredVersionsResponse {
    try await call(
      "AuditService", "ListStoredVersions",
      Domicile_V1_ListStoredVersionsRequest.with {
        $0.pageSize = size
        $0.pageToken = token
      })
  }

  func checkpoint() async throws(ConnectError) -> String {
    let answer: Domicile_V1_GetCheckpointResponse = try await call(
      "AuditService", "GetCheckpoint", Domicile_V1_GetCheckpointRequest())
    return answer.checkpoint
  }

  func inclusionProof(of index: UInt64) async throws(ConnectError) -> String {
    let answer: Domicile_V1_GetInclusionProofResponse = try await call(
      "AuditService", "GetInclusionProof", Domicile_V1_GetInclusionProofRequest.with { $0.index = index })
    return answer.proof
  }
}

extension Google_Protobuf_Struct {
  /// The text of a member; `nil` where it is absent or no text.
  func text(_ name: String) -> String? {
    guard case .stringValue(let text) = fields[name]?.kind else { return nil }
    return text
  }
}

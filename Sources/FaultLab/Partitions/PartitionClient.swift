import ConnectRPC
import Coordinator
import DomicileAPI
import FoundationEssentials
import HTTPTypes
import Residency
import SwiftProtobuf

/// What an app does to the directory through one region's coordinator.
struct PartitionClient: Sendable {
  let region: RegionID
  private let client: ConnectClient
  private let app: HTTPFields
  private let operation: HTTPFields

  private static let session = HTTPField.Name("Domicile-Session")

  init(_ region: RegionDescriptor, _ regions: LabRegions) async throws {
    self.region = region.id
    client = try ConnectClient(
      baseURL: region.coordinator.url.text, tls: ClientTLS(trustRootsPEMPath: regions.state.authority.certificate))
    let issuer = try TokenIssuer(state: regions.state)
    func fields(_ roles: Set<Principal.Role>) async throws -> HTTPFields {
      let principal = Principal(name: "app:lab", purposes: [Purpose("service")], jurisdiction: nil, roles: roles)
      return [.authorization: "Bearer \(try await issuer.token(for: principal, lifetime: .seconds(24 * 3_600)))"]
    }
    app = try await fields([.app])
    operation = try await fields([.operator])
  }

  func shutdown() async { try? await client.shutdown() }

  private func fields(_ session: String?) -> HTTPFields {
    var fields = app
    if let name = Self.session { fields[name] = session }
    return fields
  }

  /// - Returns: the session that has seen it.
  func register(
    _ subject: String, level: Domicile_V1_RegisterSubjectRequest.Level = .one, timeout: Duration
  ) async throws(ConnectError) -> String? {
    let request = Domicile_V1_RegisterSubjectRequest.with {
      $0.subjectID = subject
      $0.residence.country = "IE"
      $0.requestID = subject
      $0.level = level
    }
    let answer: (message: Domicile_V1_RegisterSubjectResponse, headers: HTTPFields) = try await client.exchange(
      "domicile.v1.SubjectService", "RegisterSubject", request, headers: fields(nil), timeout: timeout)
    return Self.session.flatMap { answer.headers[$0] }
  }

  func locate(
    _ subject: String, level: Domicile_V1_LocateSubjectRequest.Level = .one, session: String? = nil, timeout: Duration
  ) async throws(ConnectError) -> Domicile_V1_LocateSubjectResponse {
    let request = Domicile_V1_LocateSubjectRequest.with {
      $0.subjectID = subject
      $0.level = level
    }
    return try await client.call(
      "domicile.v1.SubjectService", "LocateSubject", request, headers: fields(session), timeout: timeout)
  }

  /// Asks for a person's own data, which only the home has.
  func get(_ subject: String, timeout: Duration) async throws(ConnectError) -> Domicile_V1_GetSubjectResponse {
    let request = Domicile_V1_GetSubjectRequest.with {
      $0.subjectID = subject
      $0.purpose = "service"
    }
    return try await client.call("domicile.v1.SubjectService", "GetSubject", request, headers: fields(nil), timeout: timeout)
  }

  /// What a region holds of a document: the marks of the writes that stand side by side, and a context that stands for them.
  func marks(of key: String, timeout: Duration) async throws(ConnectError) -> (marks: Set<String>, context: String) {
    let request = Domicile_V1_GetDocumentRequest.with {
      $0.collection = Self.collection
      $0.key = key
      $0.purpose = "service"
    }
    do throws(ConnectError) {
      let answer: Domicile_V1_GetDocumentResponse = try await client.call(
        Self.documents, "GetDocument", request, headers: fields(nil), timeout: timeout)
      return (
        Set(answer.document.values.compactMap { $0.fields["mark"]?.stringValue }), answer.document.context
      )
    } catch {
      guard error.reason == "DOCUMENT_UNKNOWN", let context = error.metadata["context"] else { throw error }
      return ([], context)
    }
  }

  func write(_ mark: String, to key: String, context: String, timeout: Duration) async throws(ConnectError) {
    let request = Domicile_V1_PutDocumentRequest.with {
      $0.collection = Self.collection
      $0.key = key
      $0.context = context
      $0.value = ["mark": .init(stringValue: mark)]
    }
    let _: Domicile_V1_PutDocumentResponse = try await client.call(
      Self.documents, "PutDocument", request, headers: fields(nil), timeout: timeout)
  }

  private static let documents = "domicile.v1.DocumentService"
  private static let collection = "announcements"

  func compare(with other: RegionID) async throws(ConnectError) -> Domicile_V1_CompareDirectoryResponse {
    try await client.call(
      "domicile.v1.RegionService", "CompareDirectory",
      Domicile_V1_CompareDirectoryRequest.with { $0.region = other.rawValue }, headers: operation, timeout: .seconds(30))
  }
}

import ConnectRPC
import DomicileAPI
import FoundationEssentials
import HTTPTypes
import SwiftProtobuf

/// A register: one record of one subject.
package struct RegisterKey: Sendable, Hashable {
  package let subject: String
  package let record: String

  package init(subject: String, record: String) {
    self.subject = subject
    self.record = record
  }

  /// As the history has it.
  package var name: String { "\(subject)/\(record)" }
}

/// What a register held. Versions count its writes, so that each value, being unique, has one version.
package struct RegisterState: Sendable, Hashable {
  /// `nil`: there is no record, and its version is 0.
  package let value: Int?
  package let version: UInt64

  package init(value: Int?, version: UInt64) {
    self.value = value
    self.version = version
  }

  package static let absent = RegisterState(value: nil, version: 0)
}

/// Registers as an app sees them: records of one coordinator, over HTTPS, each call with a deadline of its own.
struct RegisterClient: Sendable {
  private static let service = "domicile.v1.RecordService"
  private static let collection = "orders"
  private static let field = "number"
  private static let purpose = "service"

  private let client: ConnectClient
  private let headers: HTTPFields
  private let timeout: Duration

  /// - Parameters:
  ///   - authority: a PEM file: who signed the coordinator's certificate.
  ///   - timeout: of each call; after it the outcome is unknown.
  /// - Throws: where the file cannot be read.
  init(url: String, authority: String, token: String, timeout: Duration) throws {
    client = try ConnectClient(baseURL: url, tls: ClientTLS(trustRootsPEMPath: authority))
    var headers = HTTPFields()
    headers[.authorization] = "Bearer \(token)"
    self.headers = headers
    self.timeout = timeout
  }

  /// Closes its connections. It has to be called before the client is given up.
  func shutdown() async { try? await client.shutdown() }

  /// - Throws: the coordinator's error.
  func register(subject: String) async throws(ConnectError) {
    let request = Domicile_V1_RegisterSubjectRequest.with {
      $0.subjectID = subject
      $0.residence = .with { $0.country = "IE" }
      $0.requestID = "register-\(subject)"
    }
    let _: Domicile_V1_RegisterSubjectResponse = try await client.call(
      "domicile.v1.SubjectService", "RegisterSubject", request, headers: headers)
  }

  /// A linearizable read.
  func read(_ key: RegisterKey) async -> RegisterAnswer<RegisterState> {
    let request = Domicile_V1_GetRecordRequest.with {
      $0.subjectID = key.subject
      $0.collection = Self.collection
      $0.key = key.record
      $0.purpose = Self.purpose
    }
    do throws(ConnectError) {
      let response: Domicile_V1_GetRecordResponse = try await client.call(
        Self.service, "GetRecord", request, headers: headers, timeout: timeout)
      guard let value = response.record.value.fields[Self.field].flatMap({ Int($0.stringValue) }) else {
        return .refused("MALFORMED_RECORD")
      }
      return .done(RegisterState(value: value, version: response.record.version))
    } catch {
      return error.reason == "RECORD_UNKNOWN" ? .done(.absent) : AnswerClass.ofRead(error)
    }
  }

  /// - Parameters:
  ///   - expected: the version that must be there; 0 for none, `nil` for any.
  ///   - requestID: the same for a repeat.
  /// - Returns: the version that the write made.
  func write(
    _ value: Int, to key: RegisterKey, expecting expected: UInt64?, requestID: String
  ) async -> RegisterAnswer<UInt64> {
    var request = Domicile_V1_PutRecordRequest.with {
      $0.subjectID = key.subject
      $0.collection = Self.collection
      $0.key = key.record
      $0.purpose = Self.purpose
      $0.requestID = requestID
      $0.value.fields[Self.field] = Google_Protobuf_Value(stringValue: String(value))
    }
    if let expected { request.expectedVersion = expected }
    do throws(ConnectError) {
      let response: Domicile_V1_PutRecordResponse = try await client.call(
        Self.service, "PutRecord", request, headers: headers, timeout: timeout)
      return .done(response.version)
    } catch {
      return AnswerClass.ofWrite(error)
    }
  }
}

/// Makes clients of all coordinators.
struct RegisterCallers: Sendable {
  let urls: [String]
  /// A PEM file: who signed the coordinators' certificates.
  let authority: String
  let token: String

  /// A client for each coordinator, with connections of its own that end when `body` does.
  /// - Parameter timeout: of each call.
  func with<Result>(timeout: Duration, _ body: ([RegisterClient]) async throws -> Result) async throws -> Result {
    var clients: [RegisterClient] = []
    do {
      for url in urls {
        clients.append(try RegisterClient(url: url, authority: authority, token: token, timeout: timeout))
      }
      let result = try await body(clients)
      for client in clients { await client.shutdown() }
      return result
    } catch {
      for client in clients { await client.shutdown() }
      throw error
    }
  }
}

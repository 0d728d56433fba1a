import AsyncHTTPClient
import AuditTrail
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Residency
import Synchronization

/// Makes a client for HTTPS when it is first needed: its threads cost more than a proof from a folder.
final class WebClient: Sendable {
  private let certificateFile: String?
  private let client = Mutex<HTTPClient?>(nil)

  /// - Parameter certificateFile: the certificate authority to trust; `nil` for the system's.
  init(certificateFile: String?) { self.certificateFile = certificateFile }

  func started() throws -> HTTPClient {
    try client.withLock { client in
      if let client { return client }
      let started = try WebSource.client(certificateFile: certificateFile)
      client = started
      return started
    }
  }

  func shutdown() async throws { try await client.withLock { $0 }?.shutdown() }
}

/// A running region, by HTTPS.
struct WebSource: LogSource {
  /// Without a trailing slash.
  let base: String
  let token: String?
  let client: HTTPClient
  var name: String { base }

  private static let timeout = TimeAmount.seconds(30)
  /// Each with a pseudonym for every month: some megabytes after ten years.
  private static let subjectsAtOnce = 200

  /// A client that trusts the certificate authority of `certificateFile`, or the system's.
  static func client(certificateFile: String?) throws(AuditFailure) -> HTTPClient {
    var tls = TLSConfiguration.makeClientConfiguration()
    if let certificateFile {
      do {
        tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(certificateFile))
      } catch {
        throw AuditFailure(.usage, "\(certificateFile): no certificates in PEM form")
      }
    }
    var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
    configuration.timeout = .init(connect: .seconds(10), read: timeout)
    return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
  }

  func fetch(_ path: String) async -> FetchedTile {
    var request = HTTPClientRequest(url: "\(base)/\(path)")
    request.headers.add(name: "accept", value: "*/*")
    return await execute(request)
  }

  func fetchPseudonyms(of subject: SubjectID) async -> FetchedTile {
    // 400 is what a region answers that is not the subject's home: another one of the deployment knows.
    await execute(call("GetSubjectPseudonyms", ["subjectId": .string(subject.rawValue)]), absent: [404, 400])
  }

  func fetchStoredVersions(after token: String) async -> FetchedTile {
    await execute(
      call("ListStoredVersions", ["pageSize": .integer(Self.subjectsAtOnce), "pageToken": .string(token)]))
  }

  private func call(_ method: String, _ body: JSONValue) -> HTTPClientRequest {
    var request = HTTPClientRequest(url: "\(base)/domicile.v1.AuditService/\(method)")
    request.method = .POST
    request.headers.add(name: "content-type", value: "application/json")
    request.headers.add(name: "connect-protocol-version", value: "1")
    request.body = .bytes(ByteBuffer(bytes: body.canonicalBytes))
    return request
  }

  private func execute(_ request: HTTPClientRequest, absent: Set<UInt> = [404]) async -> FetchedTile {
    var request = request
    if let token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
    do {
      let response = try await client.execute(request, timeout: Self.timeout)
      let body = try await response.body.collect(upTo: FolderSource.fileByteCountMax)
      switch response.status.code {
      case 200: return .bytes([UInt8](body.readableBytesView))
      case let status where absent.contains(status): return .absent
      case 401: return .failed("the region refused the token (HTTP 401)")
      case 403: return .failed("the region refused the token (HTTP 403): it is for principals with the role auditor")
      default: return .failed("the region answered HTTP \(response.status.code)")
      }
    } catch is NIOTooManyBytesError {
      return .failed("larger than a file of a log can be")
    } catch let error as NIOSSLError {
      if case .handshakeFailed = error {
        return .failed("the TLS handshake failed: is --ca the authority of the region's certificate?")
      }
      return .failed("unreachable: TLS failed")
    } catch let error as NIOConnectionError {
      return .failed("unreachable: no connection to \(Terminal.harmless(error.host)), port \(error.port)")
    } catch let error as HTTPClientError {
      return .failed("unreachable: \(error.shortDescription)")
    } catch {
      return .failed("unreachable")
    }
  }
}

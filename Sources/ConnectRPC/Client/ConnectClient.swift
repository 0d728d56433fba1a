import AsyncHTTPClient
package import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
package import SwiftProtobuf

/// Bounds of a ``ConnectClient``.
package struct ClientLimits: Sendable {
  /// The largest answer message, before and after decompression.
  package var messageBytesMax = 16 * 1024 * 1024
  /// The deadline of calls that have none of their own.
  package var deadlineDefault: Duration = .seconds(30)
  /// How long making a connection may take, TLS included.
  package var connectTimeout: Duration = .seconds(5)
  /// How long a connection is kept without calls; shorter than the server's, so that the client closes first.
  package var idleTimeout: Duration = .seconds(45)
  /// Connections to the server where it speaks HTTP/1.1 only; calls beyond wait.
  package var connectionsMax = 8
  /// Request messages of fewer bytes are not compressed.
  package var compressedRequestBytesMin = 1_024

  package init() {}
}

/// Calls unary Connect methods of one server. Share one client among all calls; `shutdown` has to be called at the end.
package final class ConnectClient: Sendable {
  private let baseURL: String
  private let codec: ConnectCodec
  private let limits: ClientLimits
  private let http: HTTPClient

  /// - Parameters:
  ///   - baseURL: such as `https://localhost:7102`.
  ///   - tls: used where the URL's scheme is `https`.
  /// - Throws: ``TLSFileError`` where a certificate or key cannot be read.
  package init(baseURL: String, tls: ClientTLS? = nil, codec: ConnectCodec = .proto, limits: ClientLimits = ClientLimits()) throws
  {
    var base = baseURL[...]
    while base.hasSuffix("/") { base = base.dropLast() }
    self.baseURL = String(base)
    self.codec = codec
    self.limits = limits
    var configuration = HTTPClient.Configuration(
      tlsConfiguration: try tls?.configuration(), redirectConfiguration: .disallow,
      timeout: .init(connect: TimeAmount(limits.connectTimeout)))
    configuration.connectionPool.idleTimeout = TimeAmount(limits.idleTimeout)
    configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = limits.connectionsMax
    // A region that is down has to be known to be down at once, not at the call's deadline.
    configuration.connectionPool.retryConnectionEstablishment = false
    configuration.http2ConnectionDebugInitializer = { Self.prepareHTTP2($0, tls) }
    configuration.http1_1ConnectionDebugInitializer = { Self.prepareHTTP1($0, tls) }
    http = HTTPClient(eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton), configuration: configuration)
  }

  /// - Parameters:
  ///   - service: the full name, such as `domicile.v1.RecordService`.
  ///   - headers: further header fields, such as `Authorization`.
  ///   - timeout: how long to wait for the answer; the server is told.
  /// - Throws: the server's error, or `unavailable` where there is no connection, `deadline_exceeded` after `timeout`, and
  ///   `canceled` where the calling task is cancelled.
  package func call<Request: Message, Response: Message>(
    _ service: String, _ method: String, _ request: Request, headers: HTTPFields = [:], timeout: Duration? = nil
  ) async throws(ConnectError) -> Response {
    try await exchange(service, method, request, headers: headers, timeout: timeout).message
  }

  /// As ``call(_:_:_:headers:timeout:)``, with the header fields of the answer.
  package func exchange<Request: Message, Response: Message>(
    _ service: String, _ method: String, _ request: Request, headers: HTTPFields = [:], timeout: Duration? = nil
  ) async throws(ConnectError) -> (message: Response, headers: HTTPFields) {
    let timeout = timeout ?? limits.deadlineDefault
    let exchange = try self.exchange(service, method, request, headers: headers, timeout: timeout)
    let result = await exchange.answer(within: timeout)
    if Task.isCancelled, case .failure = result { throw .callCanceled }
    let answer = try result.get()
    return (try answer.message(codec: codec, contentBytesMax: limits.messageBytesMax), answer.headers)
  }

  /// What a server that is asked without Connect's protocol answers.
  package struct RawAnswer: Sendable {
    package let status: Int
    package let contentType: String
    package let body: [UInt8]
  }

  /// Sends bytes as they are, for a protocol that is not Connect's.
  /// - Parameter path: begins with `/`.
  /// - Returns: the answer, whatever its status.
  /// - Throws: `unavailable` where there is no connection, `deadline_exceeded` after `timeout`, and `canceled` where the calling task is
  ///   cancelled.
  package func post(
    _ path: String, _ body: [UInt8], contentType: String, timeout: Duration
  ) async throws(ConnectError) -> RawAnswer {
    var request = HTTPClientRequest(url: baseURL + path)
    request.method = .POST
    request.headers.replaceOrAdd(name: "content-type", value: contentType)
    let result = await Exchange(request, body: body, by: http, answerBytesMax: limits.messageBytesMax).answer(within: timeout)
    if Task.isCancelled, case .failure = result { throw .callCanceled }
    let answer = try result.get()
    return RawAnswer(status: answer.status, contentType: answer.contentType, body: answer.body)
  }

  /// Closes all connections; calls at work fail.
  package func shutdown() async throws {
    try await http.shutdown()
  }

  private func exchange(
    _ service: String, _ method: String, _ message: some Message, headers: HTTPFields, timeout: Duration
  ) throws(ConnectError) -> Exchange {
    var body: [UInt8]
    do {
      body = try codec.encode(message)
    } catch {
      throw ConnectError(
        .invalidArgument, reason: "MALFORMED_BODY", "The request message cannot be written as \(codec.contentType).")
    }
    var request = HTTPClientRequest(url: "\(baseURL)/\(service)/\(method)")
    request.method = .POST
    for field in headers { request.headers.add(name: field.name.canonicalName, value: field.value) }
    if body.count >= limits.compressedRequestBytesMin, let compressed = Gzip.deflate(body) {
      body = compressed
      request.headers.replaceOrAdd(name: "content-encoding", value: "gzip")
    }
    request.headers.replaceOrAdd(name: "content-type", value: codec.contentType)
    request.headers.replaceOrAdd(name: "connect-protocol-version", value: "1")
    request.headers.replaceOrAdd(name: "accept-encoding", value: "gzip")
    let (seconds, attoseconds) = timeout.components
    let milliseconds = min(seconds, 9_999_999) * 1_000 + attoseconds / 1_000_000_000_000_000
    request.headers.replaceOrAdd(name: "connect-timeout-ms", value: String(max(0, milliseconds)))
    return Exchange(request, body: body, by: http, answerBytesMax: limits.messageBytesMax)
  }

  /// At once, on the connection's thread: what the server says of the connection after it was made, and before the pool knows of it, would
  /// end the process.
  private static func prepareHTTP2(_ channel: any Channel, _ tls: ClientTLS?) -> EventLoopFuture<Void> {
    channel.eventLoop.makeCompletedFuture {
      try channel.pipeline.syncOperations.addHandler(ErrorClose())
      try checkIdentity(tls, channel)
    }
  }

  private static func prepareHTTP1(_ channel: any Channel, _ tls: ClientTLS?) -> EventLoopFuture<Void> {
    channel.eventLoop.makeCompletedFuture { try checkIdentity(tls, channel) }
  }

  private static func checkIdentity(_ tls: ClientTLS?, _ channel: any Channel) throws {
    guard let tls, tls.checksIdentity else { return }
    guard tls.accepts(try channel.pipeline.syncOperations.nioSSL_peerCertificate()) else {
      channel.close(promise: nil)
      throw UnexpectedServerIdentity()
    }
  }
}

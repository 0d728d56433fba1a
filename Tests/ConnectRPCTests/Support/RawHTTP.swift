import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Testing

/// An HTTP answer, whole.
struct RawAnswer: Sendable {
  let status: Int
  let version: HTTPVersion
  let headers: HTTPHeaders
  let body: [UInt8]

  var text: String { String(decoding: body, as: UTF8.self) }

  /// The code, message and details of a Connect error.
  func json() throws -> [String: Any] {
    try #require(JSONSerialization.jsonObject(with: Data(body)) as? [String: Any])
  }

  func code() throws -> String? { try json()["code"] as? String }
}

/// An HTTP client that knows nothing of Connect.
struct RawHTTP: Sendable {
  let client: HTTPClient

  static func run<Value: Sendable>(
    tls: TLSConfiguration? = nil, http1Only: Bool = false, _ body: (RawHTTP) async throws -> Value
  ) async throws -> Value {
    var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
    configuration.connectionPool.retryConnectionEstablishment = false
    if http1Only { configuration.httpVersion = .http1Only }
    let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    do {
      let value = try await body(RawHTTP(client: client))
      try await client.shutdown()
      return value
    } catch {
      try await client.shutdown()
      throw error
    }
  }

  func send(
    _ method: HTTPMethod = .POST, _ url: String, _ headers: [(String, String)] = [("content-type", "application/json")],
    body: [UInt8]? = nil, chunked: Bool = false
  ) async throws -> RawAnswer {
    var request = HTTPClientRequest(url: url)
    request.method = method
    request.headers = HTTPHeaders(headers)
    if let body, chunked {
      request.body = .stream(Chunks(bytes: body), length: .unknown)
    } else if let body {
      request.body = .bytes(body)
    }
    let response = try await client.execute(request, timeout: .seconds(20))
    let answer = try await response.body.collect(upTo: 64 * 1024 * 1024)
    return RawAnswer(
      status: Int(response.status.code), version: response.version, headers: response.headers,
      body: Array(answer.readableBytesView))
  }

  func post(_ url: String, json: String, _ headers: [(String, String)] = []) async throws -> RawAnswer {
    try await send(.POST, url, [("content-type", "application/json")] + headers, body: Array(json.utf8))
  }
}

private struct Chunks: AsyncSequence, Sendable {
  let bytes: [UInt8]

  struct Iterator: AsyncIteratorProtocol {
    var rest: ArraySlice<UInt8>

    mutating func next() async -> ByteBuffer? {
      guard !rest.isEmpty else { return nil }
      defer { rest = rest.dropFirst(64 * 1024) }
      return ByteBuffer(bytes: rest.prefix(64 * 1024))
    }
  }

  func makeAsyncIterator() -> Iterator { Iterator(rest: bytes[...]) }
}

/// A TCP connection on which a test writes what it likes.
struct RawConnection {
  private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
  private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
  private(set) var received = ""
  let channel: any Channel

  static func run<Value: Sendable>(
    port: Int, _ body: (inout RawConnection) async throws -> Value
  ) async throws -> Value {
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connect(host: "127.0.0.1", port: port) { channel in
        channel.eventLoop.makeCompletedFuture {
          try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }
      }
    return try await channel.executeThenClose { inbound, outbound in
      var connection = RawConnection(inbound: inbound.makeAsyncIterator(), outbound: outbound, channel: channel.channel)
      return try await body(&connection)
    }
  }

  private init(
    inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator, outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>,
    channel: any Channel
  ) {
    self.inbound = inbound
    self.outbound = outbound
    self.channel = channel
  }

  func write(_ text: String) async throws {
    try await outbound.write(ByteBuffer(string: text))
  }

  /// Reads until `marker` was received.
  /// - Returns: whether it was, before the server closed the connection.
  mutating func read(until marker: String) async throws -> Bool {
    while !received.contains(marker) {
      guard let part = try await inbound.next() else { return false }
      received += String(buffer: part)
    }
    return true
  }

  /// Reads until the server closes the connection.
  mutating func readToEnd() async throws {
    while let part = try await inbound.next() { received += String(buffer: part) }
  }

  mutating func forget() { received = "" }
}

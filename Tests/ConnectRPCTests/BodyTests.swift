import ConnectRPC
import NIOHTTP1
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(2)))
struct BodyTests {
  private static let smallMessages: ServerLimits = {
    var limits = ServerLimits()
    limits.messageBytesMax = 64 * 1024
    limits.lingerTimeout = .milliseconds(200)
    // So that only an answer can be why a connection is closed.
    limits.idleTimeout = .seconds(3_600)
    return limits
  }()

  @Test
  func `a gzipped request is read, also in several members, also when empty`() async throws {
    try await TestServer.run { server in
      try await RawHTTP.run { http in
        let words = String(repeating: "word ", count: 400)
        let headers = [("content-type", "application/json"), ("content-encoding", "gzip")]
        let body = try gzipped(Array(#"{"text":"\#(words)"}"#.utf8))
        let answer = try await http.send(.POST, server.url("Change"), headers, body: body)
        #expect(answer.status == 200)
        #expect(answer.text.contains(words))

        let half = String(repeating: "a", count: 300)
        let members = try gzipped(Array(#"{"text":"\#(half)"#.utf8)) + gzipped(Array("\(half)\"}".utf8))
        let joined = try await http.send(.POST, server.url("Change"), headers, body: members)
        #expect(joined.text == #"{"echoedText":"\#(half + half)"}"#)

        let empty = try await http.send(
          .POST, server.url("Change"), [("content-type", "application/proto"), ("content-encoding", "gzip")], body: [])
        #expect(empty.status == 200)
      }
    }
  }

  @Test
  func `an unknown encoding is unimplemented and names the known ones`() async throws {
    try await TestServer.run { server in
      try await RawHTTP.run { http in
        let answer = try await http.post(server.url("Change"), json: "{}", [("content-encoding", "br")])
        #expect(answer.status == 501)
        #expect(try answer.code() == "unimplemented")
        #expect(answer.text.contains("gzip, identity"))
        #expect(answer.headers.first(name: "accept-encoding") == "gzip, identity")
        let identity = try await http.post(server.url("Change"), json: "{}", [("content-encoding", "identity")])
        #expect(identity.status == 200)
      }
    }
  }

  @Test
  func `a gzip bomb exhausts its limit and nothing else`() async throws {
    let probe = Probe()
    try await TestServer.run(EchoService.methods(probe), limits: Self.smallMessages) { server in
      try await RawHTTP.run { http in
        let bomb = try gzippedZeros(10 * 1024 * 1024)
        #expect(bomb.count < Self.smallMessages.messageBytesMax)
        let headers = [("content-type", "application/proto"), ("content-encoding", "gzip")]
        let answer = try await http.send(.POST, server.url("Change"), headers, body: bomb)
        #expect(answer.status == 429)
        #expect(try answer.code() == "resource_exhausted")
        let after = try await http.post(server.url("Change"), json: "{}")
        #expect(after.status == 200)
      }
    }
    #expect(probe.calls.withLock { $0 } == 1)
  }

  @Test
  func `broken gzip is an invalid argument`() async throws {
    try await TestServer.run { server in
      try await RawHTTP.run { http in
        let headers = [("content-type", "application/json"), ("content-encoding", "gzip")]
        let whole = try gzipped(Array(#"{"text":"\#(String(repeating: "b", count: 300))"}"#.utf8))
        for body in [Array(whole.dropLast(9)), whole + [1, 2, 3], Array("{}".utf8)] {
          let answer = try await http.send(.POST, server.url("Change"), headers, body: body)
          #expect(answer.status == 400)
          #expect(try answer.code() == "invalid_argument")
        }
      }
    }
  }

  @Test
  func `a body that is declared too large is refused unread`() async throws {
    let probe = Probe()
    try await TestServer.run(EchoService.methods(probe), limits: Self.smallMessages) { server in
      try await RawConnection.run(port: server.port) { connection in
        try await connection.write(head("Change", "Content-Length: 1000000"))
        #expect(try await connection.read(until: "resource_exhausted"))
        #expect(connection.received.hasPrefix("HTTP/1.1 429 "))
        #expect(connection.received.lowercased().contains("connection: close"))
        try await connection.readToEnd()
      }
    }
    #expect(probe.calls.withLock { $0 } == 0)
  }

  @Test
  func `a chunked body over the limit is refused, and the connection closed`() async throws {
    let probe = Probe()
    try await TestServer.run(EchoService.methods(probe), limits: Self.smallMessages) { server in
      try await RawConnection.run(port: server.port) { connection in
        try await connection.write(head("Change", "Transfer-Encoding: chunked"))
        for _ in 0..<5 { try await connection.write("4000\r\n\(String(repeating: " ", count: 0x4000))\r\n") }
        #expect(try await connection.read(until: "resource_exhausted"))
        #expect(connection.received.hasPrefix("HTTP/1.1 429 "))
        try await connection.readToEnd()
      }
      try await RawHTTP.run { http in
        let streamed = try await http.send(
          .POST, server.url("Change"), body: Array(repeating: 0x20, count: 60_000) + Array("{}".utf8), chunked: true)
        #expect(streamed.status == 200)
      }
    }
    #expect(probe.calls.withLock { $0 } == 1)
  }

  @Test
  func `a refused small body leaves the connection usable`() async throws {
    try await TestServer.run { server in
      try await RawConnection.run(port: server.port) { connection in
        try await connection.write(
          "POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
        #expect(try await connection.read(until: "UNKNOWN_METHOD"))
        connection.forget()
        try await connection.write(head("Echo", "Content-Length: 14") + #"{"text":"two"}"#)
        #expect(try await connection.read(until: #"{"echoedText":"two"}"#))
        #expect(!connection.received.lowercased().contains("connection: close"))
      }
    }
  }

  @Test
  func `a body that never ends is answered at the deadline, and the connection closed`() async throws {
    var limits = Self.smallMessages
    limits.deadlineMax = .milliseconds(300)
    let probe = Probe()
    try await TestServer.run(EchoService.methods(probe), limits: limits) { server in
      try await RawConnection.run(port: server.port) { connection in
        try await connection.write(head("Change", "Content-Length: 100") + #"{"text":"#)
        #expect(try await connection.read(until: "deadline_exceeded"))
        #expect(connection.received.hasPrefix("HTTP/1.1 504 "))
        try await connection.readToEnd()
      }
    }
    #expect(probe.calls.withLock { $0 } == 0)
  }

  @Test
  func `a large answer is gzipped where the caller takes it`() async throws {
    try await TestServer.run { server in
      try await RawHTTP.run { http in
        let json = #"{"text":"\#(String(repeating: "compressible ", count: 200))"}"#
        let gzip = try await http.post(server.url("Change"), json: json, [("accept-encoding", "br, gzip;q=0.5")])
        #expect(gzip.headers.first(name: "content-encoding") == "gzip")
        #expect(gzip.headers.first(name: "vary") == "Accept-Encoding")
        #expect(gzip.body.prefix(2) == [0x1F, 0x8B])
        #expect(gzip.body.count < 500)
        for accepted in ["", "br", "gzip;q=0", "identity, *;q=0", "gzip;q=0.0, *"] {
          let plain = try await http.post(server.url("Change"), json: json, [("accept-encoding", accepted)])
          #expect(plain.headers.first(name: "content-encoding") == nil, "\(accepted)")
          #expect(plain.text.contains("compressible"))
        }
        let small = try await http.post(server.url("Change"), json: #"{"text":"small"}"#, [("accept-encoding", "gzip")])
        #expect(small.headers.first(name: "content-encoding") == nil)
        let any = try await http.post(server.url("Change"), json: json, [("accept-encoding", "*")])
        #expect(any.headers.first(name: "content-encoding") == "gzip")
      }
    }
  }

  private func head(_ method: String, _ field: String) -> String {
    "POST /test.v1.EchoService/\(method) HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\(field)\r\n\r\n"
  }
}

import ConnectRPC
import HTTPTypes
import NIOHTTP1
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(2)))
struct RouteTests {
  private static let routes = [
    RawRoute("/healthz") { _, _, _ in RawResponse(text: "ok") },
    RawRoute("/tile/**") { path, query, _ in
      RawResponse(contentType: "application/octet-stream", body: Array("\(path) \(query["a"] ?? "")".utf8), headers: [.eTag: "e"])
    },
    RawRoute("/tile/special") { _, _, _ in RawResponse(status: 503, text: "special") },
    RawRoute("/broken") { _, _, _ in throw SecretFailure() },
    RawRoute("/missing") { _, _, _ in throw ConnectError(.notFound, reason: "NO_TILE", "There is no such tile.") },
  ]

  @Test
  func `routes answer GET and HEAD by path, exact before prefix`() async throws {
    try await TestServer.run(routes: Self.routes) { server in
      try await RawHTTP.run { http in
        let health = try await http.send(.GET, server.url + "/healthz?x", [])
        #expect(health.text == "ok")
        #expect(health.headers.first(name: "content-type") == "text/plain; charset=utf-8")
        let tile = try await http.send(.GET, server.url + "/tile/0/x001/234?a=b%20c", [])
        #expect(tile.text == "/tile/0/x001/234 b c")
        #expect(tile.headers.first(name: "etag") == "e")
        #expect(try await http.send(.GET, server.url + "/tile/special", []).status == 503)
        #expect(try await http.send(.GET, server.url + "/tile", []).status == 404)
        let head = try await http.send(.HEAD, server.url + "/healthz", [])
        #expect(head.status == 200)
        #expect(head.headers.first(name: "content-length") == "2")
        let post = try await http.send(.POST, server.url + "/healthz", [])
        #expect(post.status == 405)
        #expect(post.headers.first(name: "allow") == "GET, HEAD")
      }
    }
  }

  @Test
  func `a route for POST gets the body as it was sent, and no more than it may have`() async throws {
    let route = RawRoute(post: "/witness/add") { body, context in
      guard body != Array("broken".utf8) else { throw SecretFailure() }
      return RawResponse(status: 409, contentType: "text/x.tlog.size", body: body + Array(" of \(context.method)".utf8))
    }
    var limits = ServerLimits()
    limits.messageBytesMax = 100
    try await TestServer.run(routes: [route], limits: limits) { server in
      let url = server.url + "/witness/add"
      try await RawHTTP.run { http in
        for chunked in [false, true] {
          let answer = try await http.send(
            .POST, url, [("content-type", "text/plain")], body: Array("old 5\n".utf8), chunked: chunked)
          #expect(answer.status == 409)
          #expect(answer.headers.first(name: "content-type") == "text/x.tlog.size")
          #expect(answer.text == "old 5\n of /witness/add")
        }
        #expect(try await http.send(.POST, url, [], body: []).text == " of /witness/add")
        let large = try await http.send(.POST, url, [], body: [UInt8](repeating: 0x20, count: 101))
        #expect(try large.code() == "resource_exhausted")
        let broken = try await http.send(.POST, url, [], body: Array("broken".utf8))
        #expect(broken.status == 500)
        #expect(!broken.text.contains("SELECT"))
        for method in [HTTPMethod.GET, .HEAD, .PUT] {
          let refused = try await http.send(method, url, [])
          #expect(refused.status == 405)
          #expect(refused.headers.first(name: "allow") == "POST")
        }
      }
      let client = try ConnectClient(baseURL: server.url)
      let answer = try await client.post("/witness/add", [1, 2], contentType: "text/plain", timeout: .seconds(5))
      #expect(answer.status == 409)
      #expect(answer.contentType == "text/x.tlog.size")
      #expect(answer.body.prefix(2) == [1, 2])
      try await client.shutdown()
    }
  }

  @Test
  func `a route's error is a Connect error that says nothing it should not`() async throws {
    try await TestServer.run(routes: Self.routes) { server in
      try await RawHTTP.run { http in
        let broken = try await http.send(.GET, server.url + "/broken", [])
        #expect(broken.status == 500)
        #expect(!broken.text.contains("SELECT"))
        let missing = try await http.send(.GET, server.url + "/missing", [])
        #expect(missing.status == 404)
        #expect(try missing.code() == "not_found")
      }
    }
  }

  @Test
  func `without TLS only loopback is listened on`() throws {
    for host in ["0.0.0.0", "::", "192.0.2.1", "example.com"] {
      #expect(throws: ConnectServerError.insecureAddress(host: host)) {
        try ConnectServer(
          configuration: ConnectServerConfiguration(host: host, port: 0, tls: nil), methods: [], logger: LogLines().logger)
      }
    }
  }

  @Test
  func `two handlers cannot have one path`() throws {
    let configuration = ConnectServerConfiguration(host: "127.0.0.1", port: 0, tls: nil)
    #expect(throws: ConnectServerError.duplicatePath("/test.v1.EchoService/Echo")) {
      try ConnectServer(
        configuration: configuration, methods: EchoService.methods() + EchoService.methods(), logger: LogLines().logger)
    }
    #expect(throws: ConnectServerError.duplicatePath("/healthz")) {
      try ConnectServer(
        configuration: configuration, methods: [], rawRoutes: [Self.routes[0], Self.routes[0]], logger: LogLines().logger)
    }
  }
}

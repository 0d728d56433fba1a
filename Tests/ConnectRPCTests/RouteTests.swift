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

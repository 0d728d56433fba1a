import AsyncHTTPClient
import ConnectRPC
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(3)))
struct TLSTests {
  @Test
  func `HTTP/2 and HTTP/1.1 are both served over TLS`() async throws {
    try await TestCertificates.run { certificates in
      try await TestServer.run(tls: certificates.serverTLS()) { server in
        try await RawHTTP.run(tls: certificates.rawTLS()) { http in
          let answer = try await http.post(server.url("Echo"), json: #"{"text":"two"}"#)
          #expect(answer.version == .http2)
          #expect(answer.text == #"{"echoedText":"two"}"#)
        }
        try await RawHTTP.run(tls: certificates.rawTLS(), http1Only: true) { http in
          let answer = try await http.post(server.url("Echo"), json: #"{"text":"one"}"#)
          #expect(answer.version == .http1_1)
          #expect(answer.text == #"{"echoedText":"one"}"#)
        }
      }
    }
  }

  @Test(arguments: [false, true])
  func `the client's certificate reaches the handler`(http1Only: Bool) async throws {
    try await TestCertificates.run { certificates in
      let probe = Probe()
      try await TestServer.run(EchoService.methods(probe), tls: certificates.serverTLS(.required)) { server in
        try await RawHTTP.run(tls: certificates.rawTLS("client"), http1Only: http1Only) { http in
          for _ in 0..<2 {
            let answer = try await http.post(server.url("Change"), json: "{}")
            #expect(answer.version == (http1Only ? .http1_1 : .http2))
            #expect(answer.status == 200)
          }
        }
      }
      let contexts = probe.contexts.withLock { $0 }
      #expect(contexts.count == 2)
      for context in contexts {
        #expect(context.peerCertificates == [try certificates.der("client")])
        #expect(["127.0.0.1", "::1"].contains(context.remoteAddress))
        #expect(context.method == "/test.v1.EchoService/Change")
      }
      #expect(contexts.map(\.requestNumber) == [1, 2])
    }
  }

  @Test(arguments: [nil, "foreign-client"])
  func `a client without a certificate of our authority is refused`(certificate: String?) async throws {
    try await TestCertificates.run { certificates in
      let probe = Probe()
      try await TestServer.run(EchoService.methods(probe), tls: certificates.serverTLS(.required)) { server in
        for http1Only in [false, true] {
          try await RawHTTP.run(tls: certificates.rawTLS(certificate), http1Only: http1Only) { http in
            _ = await #expect(throws: (any Error).self) { try await http.post(server.url("Change"), json: "{}") }
          }
        }
        let client = try ConnectClient(baseURL: server.url, tls: certificates.clientTLS(certificate))
        await #expect { () async throws in
          let _: Test_V1_EchoResponse = try await client.call(EchoService.name, "Change", Test_V1_EchoRequest("x"))
        } throws: { error in
          (error as? ConnectError)?.code == .unavailable
        }
        try await client.shutdown()
      }
      #expect(probe.calls.withLock { $0 } == 0)
    }
  }

  @Test
  func `where a certificate is optional, none is served and a foreign one refused`() async throws {
    try await TestCertificates.run { certificates in
      let probe = Probe()
      try await TestServer.run(EchoService.methods(probe), tls: certificates.serverTLS(.optional)) { server in
        try await RawHTTP.run(tls: certificates.rawTLS()) { http in
          let answer = try await http.post(server.url("Change"), json: "{}")
          #expect(answer.status == 200)
        }
        try await RawHTTP.run(tls: certificates.rawTLS("client")) { http in
          let answer = try await http.post(server.url("Change"), json: "{}")
          #expect(answer.status == 200)
        }
        try await RawHTTP.run(tls: certificates.rawTLS("foreign-client")) { http in
          _ = await #expect(throws: (any Error).self) { try await http.post(server.url("Change"), json: "{}") }
        }
      }
      #expect(probe.contexts.withLock { $0.map(\.peerCertificates) } == [[], [try certificates.der("client")]])
    }
  }

  @Test
  func `a client accepts only a server of its authority with the expected identity`() async throws {
    try await TestCertificates.run { certificates in
      let probe = Probe()
      try await TestServer.run(EchoService.methods(probe), tls: certificates.serverTLS(.required)) { server in
        let leaf = try certificates.der("server")
        let good: [ClientTLS] = [
          certificates.clientTLS(), certificates.clientTLS(expecting: TestCertificates.serverURI),
          certificates.clientTLS { $0 == leaf },
        ]
        for tls in good {
          let answer = try await call(server.url, tls)
          #expect(answer == .success("x"))
        }
        let bad: [(ClientTLS, String)] = [
          (certificates.clientTLS(roots: "foreign-ca"), "TLS_FAILED"),
          (certificates.clientTLS(expecting: TestCertificates.clientURI), "PEER_IDENTITY_MISMATCH"),
          (certificates.clientTLS(expecting: TestCertificates.serverURI + "x"), "PEER_IDENTITY_MISMATCH"),
          (certificates.clientTLS(expecting: "localhost"), "PEER_IDENTITY_MISMATCH"),
          (certificates.clientTLS { _ in false }, "PEER_IDENTITY_MISMATCH"),
        ]
        for (tls, reason) in bad {
          guard case .failure(let error) = try await call(server.url, tls) else {
            Issue.record("\(reason) expected")
            continue
          }
          #expect(error.code == .unavailable)
          #expect(error.reason == reason)
        }
      }
      #expect(probe.calls.withLock { $0 } == 3)
    }
  }

  @Test
  func `the server's identity is checked where it speaks HTTP/1.1 only, too`() async throws {
    try await TestCertificates.run { certificates in
      var tls = TLSConfiguration.makeServerConfiguration(
        certificateChain: try NIOSSLCertificate.fromPEMFile(certificates.path("server.pem")).map { .certificate($0) },
        privateKey: .privateKey(try NIOSSLPrivateKey(file: certificates.path("server.key"), format: .pem)))
      tls.applicationProtocols = ["http/1.1"]
      let context = try NIOSSLContext(configuration: tls)
      let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .childChannelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
          }
        }
        .bind(host: "127.0.0.1", port: 0).get()
      let port = try #require(listener.localAddress?.port)
      let answer = try await call("https://localhost:\(port)", certificates.clientTLS(expecting: TestCertificates.clientURI))
      guard case .failure(let error) = answer else {
        Issue.record("an error expected")
        return
      }
      #expect(error.reason == "PEER_IDENTITY_MISMATCH")
      try await listener.close()
    }
  }

  @Test(arguments: [false, true])
  func `a caller over TLS that goes away cancels its handler`(http1Only: Bool) async throws {
    try await TestCertificates.run { certificates in
      let probe = Probe()
      let registry = PrometheusRegistry()
      try await TestServer.run(EchoService.methods(probe), tls: certificates.serverTLS(), metrics: registry) { server in
        try await RawHTTP.run(tls: certificates.rawTLS(), http1Only: http1Only) { http in
          let caller = Task { try await http.post(server.url("Wait"), json: "{}") }
          await probe.started.wait()
          caller.cancel()
          await probe.cancelled.wait()
          let after = try await http.post(server.url("Echo"), json: "{}")
          #expect(after.status == 200)
        }
      }
      #expect(registry.render().contains(#"calls_total{code="canceled",method="/test.v1.EchoService/Wait"} 1"#))
    }
  }

  @Test(arguments: [false, true])
  func `graceful shutdown over TLS finishes the calls at work`(http1Only: Bool) async throws {
    try await TestCertificates.run { certificates in
      let probe = Probe()
      try await TestServer.run(EchoService.methods(probe), tls: certificates.serverTLS()) { server in
        try await RawHTTP.run(tls: certificates.rawTLS(), http1Only: http1Only) { http in
          let count = 2_000_000
          async let answer = http.post(server.url("Stubborn"), json: #"{"number":\#(count)}"#)
          await probe.started.wait()
          await server.stop()
          probe.release.open()
          let late = try await answer
          #expect(late.text.hasSuffix(#""word","word"]}"#))
          #expect(late.body.count == #"{"number":"\#(count)","words":[]}"#.utf8.count + count * 7 - 1)
        }
      }
    }
  }

  @Test
  func `an oversize body over HTTP/2 leaves the connection usable`() async throws {
    try await TestCertificates.run { certificates in
      var limits = ServerLimits()
      limits.messageBytesMax = 64 * 1024
      try await TestServer.run(limits: limits, tls: certificates.serverTLS()) { server in
        try await RawHTTP.run(tls: certificates.rawTLS()) { http in
          let large = try await http.send(
            .POST, server.url("Change"), body: Array(repeating: 0x20, count: 300_000), chunked: true)
          #expect(large.version == .http2)
          #expect(large.status == 429)
          #expect(try await http.post(server.url("Echo"), json: "{}").status == 200)
        }
      }
    }
  }

  @Test
  func `a connection that never shakes hands is closed`() async throws {
    try await TestCertificates.run { certificates in
      var limits = ServerLimits()
      limits.handshakeTimeout = .milliseconds(200)
      try await TestServer.run(limits: limits, tls: certificates.serverTLS()) { server in
        try await RawConnection.run(port: server.port) { connection in try await connection.readToEnd() }
      }
    }
  }

  @Test
  func `a missing file is named`() async throws {
    try await TestCertificates.run { certificates in
      var tls = certificates.serverTLS()
      tls.privateKeyPEMPath = certificates.path("nothing.key")
      #expect(throws: TLSFileError(path: certificates.path("nothing.key"), what: "private key")) {
        try ConnectServer(
          configuration: ConnectServerConfiguration(host: "localhost", port: 0, tls: tls), methods: [], logger: LogLines().logger)
      }
    }
  }

  private func call(_ url: String, _ tls: ClientTLS) async throws -> Result<String, ConnectError> {
    let client = try ConnectClient(baseURL: url, tls: tls)
    let result: Result<String, ConnectError>
    do throws(ConnectError) {
      let answer: Test_V1_EchoResponse = try await client.call(EchoService.name, "Change", Test_V1_EchoRequest("x"))
      result = .success(answer.echoedText)
    } catch {
      result = .failure(error)
    }
    try await client.shutdown()
    return result
  }
}

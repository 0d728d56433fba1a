import HTTPTypes
import NIOHTTP1
import Synchronization
import Testing

@testable import ConnectRPC

@Suite(.timeLimit(.minutes(2)))
struct ClientTests {
  @Test(arguments: ConnectCodec.allCases)
  func `messages of every size make the round trip`(codec: ConnectCodec) async throws {
    let probe = Probe()
    try await TestServer.run(EchoService.methods(probe)) { server in
      try await withClient(server.url, codec: codec) { client in
        for count in [0, 1, 1_000, 20_000] {
          let request = Test_V1_EchoRequest("text", number: .min, words: Array(repeating: "wörd", count: count))
          let answer: Test_V1_EchoResponse = try await client.call(EchoService.name, "Change", request, timeout: .seconds(20))
          #expect(answer.words == request.words)
          #expect(answer.number == .min)
        }
      }
    }
    let contexts = probe.contexts.withLock { $0 }
    #expect(contexts.map { $0.headers[.contentEncoding] } == [nil, nil, "gzip", "gzip"])
    for context in contexts {
      #expect(context.headers[.contentType] == codec.contentType)
      let version = try #require(HTTPField.Name("connect-protocol-version"))
      #expect(context.headers[version] == "1")
      let timeout = try #require(HTTPField.Name("connect-timeout-ms"))
      #expect(context.headers[timeout] == "20000")
    }
  }

  @Test(arguments: ConnectCodec.allCases)
  func `an error makes the round trip with its details`(codec: ConnectCodec) async throws {
    try await TestServer.run { server in
      try await withClient(server.url, codec: codec) { client in
        for code in ConnectCode.allCases {
          let error = await failure(client, "Fail", Test_V1_EchoRequest(code.rawValue, number: 9))
          #expect(error?.code == code)
          #expect(error?.message == "It was asked to fail.")
          #expect(error?.reason == "TEST_REASON")
          #expect(error?.metadata == ["number": "9"])
        }
      }
    }
  }

  @Test
  func `a retry delay makes the round trip`() async throws {
    let methods = [
      UnaryMethod(EchoService.name, "Later") { (_: Test_V1_EchoRequest, _) -> Test_V1_EchoResponse in
        throw ConnectError(.unavailable, reason: "LATER", "Not now.", retryDelay: .milliseconds(1_500))
      }
    ]
    try await TestServer.run(methods) { server in
      try await withClient(server.url) { client in
        let error = await failure(client, "Later", Test_V1_EchoRequest(""))
        #expect(error?.retryDelay == .milliseconds(1_500))
      }
      try await RawHTTP.run { http in
        let answer = try await http.post(server.url("Later"), json: "{}")
        #expect(answer.headers.first(name: "retry-after") == "2")
      }
    }
  }

  @Test
  func `the caller's header fields are sent`() async throws {
    let probe = Probe()
    try await TestServer.run(EchoService.methods(probe)) { server in
      try await withClient(server.url) { client in
        let _: Test_V1_EchoResponse = try await client.call(
          EchoService.name, "Change", Test_V1_EchoRequest(""), headers: [.authorization: "Bearer t"])
      }
    }
    #expect(probe.contexts.withLock { $0.first?.headers[.authorization] } == "Bearer t")
  }

  @Test
  func `no server means unavailable, and at once`() async throws {
    let port = try await TestServer.run { $0.port }
    try await withClient("http://127.0.0.1:\(port)") { client in
      let clock = ContinuousClock()
      let elapsed = await clock.measure {
        let error = await failure(client, "Echo", Test_V1_EchoRequest(""))
        #expect(error?.code == .unavailable)
        #expect(error?.reason == "CONNECTION_FAILED")
      }
      #expect(elapsed < .seconds(5))
    }
  }

  @Test
  func `the local deadline holds even where the server does not answer`() async throws {
    let probe = Probe()
    try await TestServer.run(EchoService.methods(probe)) { server in
      try await withClient(server.url) { client in
        let error = await failure(client, "Wait", Test_V1_EchoRequest(""), timeout: .milliseconds(200))
        #expect(error?.code == .deadlineExceeded)
      }
    }
  }

  @Test
  func `a cancelled task cancels its call, here and there`() async throws {
    let probe = Probe()
    let registry = PrometheusRegistry()
    try await TestServer.run(EchoService.methods(probe), metrics: registry) { server in
      try await withClient(server.url) { client in
        let caller = Task { await failure(client, "Wait", Test_V1_EchoRequest("")) }
        await probe.started.wait()
        caller.cancel()
        #expect(await caller.value?.code == .canceled)
        await probe.cancelled.wait()
      }
    }
    #expect(registry.render().contains(#"calls_total{code="canceled",method="/test.v1.EchoService/Wait"} 1"#))
  }

  @Test
  func `calls that end before they are on their way take nothing from those after them`() async throws {
    try await overTLS { client in
      // More than a connection has streams, and fewer than a server takes to be an attack; not so fast that one side forgets a stream of which
      // the other still speaks.
      for attempt in 0..<140 {
        _ = await failure(client, "Change", Test_V1_EchoRequest(""), timeout: .microseconds(50 + attempt * 3))
        try await Task.sleep(for: .milliseconds(3))
      }
      // The server may speak of a stream that the client no longer remembers: then the call has a connection of its own. On a busy machine
      // those that were given up are still being seen off.
      var errors: [ConnectError] = []
      let end = ContinuousClock.now + .seconds(40)
      var last = await failure(client, "Change", Test_V1_EchoRequest("after"), timeout: .seconds(5))
      while let error = last, .now < end {
        errors.append(error)
        last = await failure(client, "Change", Test_V1_EchoRequest("after"), timeout: .seconds(5))
      }
      #expect(last == nil && errors.allSatisfy { [.unavailable, .deadlineExceeded].contains($0.code) }, "\(errors)")
    }
  }

  @Test
  func `many calls over their deadlines do not cost the others their connection`() async throws {
    let probe = Probe()
    try await overTLS(probe) { client in
      let patient = Task { await failure(client, "Stubborn", Test_V1_EchoRequest("")) }
      await probe.started.wait()
      for _ in 0..<13 {
        let codes = await withTaskGroup(of: ConnectCode?.self) { @Sendable group in
          for _ in 0..<20 {
            group.addTask { @Sendable in
              await failure(client, "Wait", Test_V1_EchoRequest(""), timeout: .milliseconds(200))?.code
            }
          }
          return await group.reduce(into: [ConnectCode?]()) { $0.append($1) }
        }
        #expect(codes.allSatisfy { $0 == .deadlineExceeded })
      }
      probe.release.open()
      #expect(await patient.value == nil)
    }
  }

  @Test(arguments: [(ServerLimits().resetsMax, true), (50, false)])
  func `callers who leave cost the others their connection only where they are very many`(max: Int, survives: Bool) async throws {
    let probe = Probe()
    var limits = ServerLimits()
    limits.resetsMax = max
    try await overTLS(probe, limits: limits) { client in
      let hasFailed = Atomic(false)
      let patient = Task {
        let error = await failure(client, "Stubborn", Test_V1_EchoRequest(""), timeout: .seconds(60))
        hasFailed.store(error != nil, ordering: .relaxed)
        return error
      }
      await probe.started.wait()
      func begun() -> Int { probe.contexts.withLock { $0.count } }
      for round in 1...(survives ? 10 : 60) where !hasFailed.load(ordering: .relaxed) {
        let callers = (0..<30).map { _ in Task { await failure(client, "Wait", Test_V1_EchoRequest("")) } }
        let end = ContinuousClock.now + .seconds(5)
        while begun() < round * 30, !hasFailed.load(ordering: .relaxed), .now < end {
          try await Task.sleep(for: .milliseconds(5))
        }
        for caller in callers { caller.cancel() }
        for caller in callers { _ = await caller.value }
      }
      probe.release.open()
      #expect((await patient.value == nil) == survives)
      // More than the library would have let pass.
      if survives { #expect(begun() > 200) }
    }
  }

  /// One connection of HTTP/2.
  private func overTLS(
    _ probe: Probe = Probe(), limits: ServerLimits = ServerLimits(),
    _ body: @escaping @Sendable (ConnectClient) async throws -> Void
  ) async throws {
    try await TestCertificates.run { certificates in
      try await TestServer.run(EchoService.methods(probe), limits: limits, tls: certificates.serverTLS()) { server in
        try await withClient(server.url, tls: certificates.clientTLS(nil)) { try await body($0) }
      }
    }
  }

  @Test(arguments: [
    (404, ConnectCode.unimplemented), (401, .unauthenticated), (403, .permissionDenied), (429, .unavailable), (502, .unavailable),
    (503, .unavailable), (504, .unavailable), (400, .internal), (418, .unknown),
  ])
  func `an error that is not of the protocol is inferred from its status`(status: Int, code: ConnectCode) async throws {
    let error = ConnectError(wireBytes: Array("<html>".utf8), httpStatus: status)
    #expect(error.code == code)
    let unknown = ConnectError(wireBytes: Array(#"{"code":"weird","message":"m","more":1}"#.utf8), httpStatus: status)
    #expect(unknown.code == code)
    #expect(unknown.message == "m")
    let known = ConnectError(
      wireBytes: Array(#"{"code":"aborted","details":[{"type":"a.B","value":"AQI"}]}"#.utf8), httpStatus: status)
    #expect(known == ConnectError(.aborted, message: "", details: [ErrorDetail(type: "a.B", value: [1, 2])]))
  }

  @Test
  func `an answer over the limit is refused, compressed or not`() async throws {
    var clientLimits = ClientLimits()
    clientLimits.messageBytesMax = 10_000
    clientLimits.compressedRequestBytesMin = .max
    let limits = clientLimits
    var uncompressed = ServerLimits()
    uncompressed.compressedAnswerBytesMin = .max
    for server in [ServerLimits(), uncompressed] {
      try await TestServer.run(limits: server) { server in
        try await withClient(server.url, limits: limits) { client in
          let error = await failure(client, "Change", Test_V1_EchoRequest(String(repeating: "l", count: 20_000)))
          #expect(error?.code == .resourceExhausted)
        }
      }
    }
  }

  private func withClient(
    _ url: String, tls: ClientTLS? = nil, codec: ConnectCodec = .proto, limits: ClientLimits = ClientLimits(),
    _ body: (ConnectClient) async throws -> Void
  ) async throws {
    let client = try ConnectClient(baseURL: url, tls: tls, codec: codec, limits: limits)
    do {
      try await body(client)
    } catch {
      try await client.shutdown()
      throw error
    }
    try await client.shutdown()
  }
}

/// The error of a call; `nil` where it succeeds.
private func failure(
  _ client: ConnectClient, _ method: String, _ request: Test_V1_EchoRequest, timeout: Duration? = nil
) async -> ConnectError? {
  do throws(ConnectError) {
    let _: Test_V1_EchoResponse = try await client.call(EchoService.name, method, request, timeout: timeout)
    return nil
  } catch {
    return error
  }
}

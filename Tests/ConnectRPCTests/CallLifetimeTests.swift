import ConnectRPC
import CoreMetrics
import NIOHTTP1
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(2)))
struct CallLifetimeTests {
  @Test
  func `a deadline of 1 ms ends the call and cancels its handler`() async throws {
    let probe = Probe()
    try await TestServer.run(EchoService.methods(probe)) { server in
      try await RawHTTP.run { http in
        let answer = try await http.post(server.url("Wait"), json: "{}", [("connect-timeout-ms", "1")])
        #expect(answer.status == 504)
        #expect(try answer.code() == "deadline_exceeded")
      }
    }
    // Where the deadline passed before the handler began, it must not have begun at all.
    if probe.started.isOpen { await probe.cancelled.wait() }
  }

  @Test
  func `the deadline cancels a handler that has begun`() async throws {
    let probe = Probe()
    try await TestServer.run(EchoService.methods(probe)) { server in
      try await RawHTTP.run { http in
        let answer = try await http.post(server.url("Wait"), json: "{}", [("connect-timeout-ms", "300")])
        #expect(answer.status == 504)
        await probe.started.wait()
        await probe.cancelled.wait()
      }
    }
  }

  @Test
  func `a call whose deadline has passed does not begin`() async throws {
    let probe = Probe()
    try await TestServer.run(EchoService.methods(probe)) { server in
      try await RawHTTP.run { http in
        let answer = try await http.post(server.url("Change"), json: "{}", [("connect-timeout-ms", "0")])
        #expect(answer.status == 504)
      }
    }
    #expect(probe.calls.withLock { $0 } == 0)
  }

  @Test
  func `a handler that ignores its cancellation does not delay the answer, and keeps its place until it ends`() async throws {
    let probe = Probe()
    var limits = ServerLimits()
    limits.callsInFlightMax = 1
    try await TestServer.run(EchoService.methods(probe), limits: limits) { server in
      try await RawHTTP.run { http in
        let answer = try await http.post(server.url("Stubborn"), json: "{}", [("connect-timeout-ms", "200")])
        #expect(answer.status == 504)
        let refused = try await http.post(server.url("Echo"), json: "{}")
        #expect(refused.status == 429)
        probe.release.open()
        await probe.finished.wait()
      }
    }
  }

  @Test
  func `a call too many is refused with a delay`() async throws {
    let probe = Probe()
    var limits = ServerLimits()
    limits.callsInFlightMax = 1
    try await TestServer.run(
      EchoService.methods(probe), routes: [.init("/healthz") { _, _, _ in .init(text: "ok") }], limits: limits
    ) {
      server in
      try await RawHTTP.run { http in
        async let first = http.post(server.url("Stubborn"), json: #"{"text":"first"}"#)
        await probe.started.wait()
        let second = try await http.post(server.url("Echo"), json: "{}")
        #expect(second.status == 429)
        #expect(try second.code() == "resource_exhausted")
        #expect(second.headers.first(name: "retry-after") == "1")
        #expect(second.text.contains("google.rpc.RetryInfo"))
        #expect(try await http.send(.GET, server.url + "/healthz", []).text == "ok")
        probe.release.open()
        #expect(try await first.text == #"{"echoedText":"first"}"#)
        let third = try await http.post(server.url("Echo"), json: "{}")
        #expect(third.status == 200)
      }
    }
  }

  @Test
  func `a caller that disconnects cancels its handler`() async throws {
    let probe = Probe()
    let registry = PrometheusRegistry()
    try await TestServer.run(EchoService.methods(probe), metrics: registry) { server in
      try await RawConnection.run(port: server.port) { connection in
        try await connection.write(
          "POST /test.v1.EchoService/Wait HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
        await probe.started.wait()
      }
      await probe.cancelled.wait()
    }
    #expect(
      registry.render().contains(
        #"domicile_rpc_calls_total{code="canceled",method="/test.v1.EchoService/Wait"} 1"#))
  }

  @Test
  func `calls of one connection follow each other`() async throws {
    try await TestServer.run { server in
      try await RawConnection.run(port: server.port) { connection in
        for number in 1...3 {
          let body = #"{"number":\#(number)}"#
          try await connection.write(
            "POST /test.v1.EchoService/Echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
              + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
          #expect(try await connection.read(until: #"{"number":"\#(number)"}"#))
          connection.forget()
        }
      }
    }
  }

  @Test
  func `graceful shutdown finishes the calls at work, takes no more, and then closes its port`() async throws {
    let probe = Probe()
    try await TestServer.run(EchoService.methods(probe), routes: [.init("/metrics") { _, _, _ in .init(text: "ok") }]) { server in
      try await RawHTTP.run { http in
        async let answer = http.post(server.url("Stubborn"), json: #"{"text":"late"}"#)
        await probe.started.wait()
        await server.stop()
        let refused = try await refusesCalls(server, http)
        #expect(refused.status == 503)
        #expect(refused.text.contains("SERVER_STOPPING"))
        #expect(refused.headers.first(name: "retry-after") == "1")
        #expect(refused.headers.first(name: "connection") == "close")
        #expect(try await http.send(.GET, server.url + "/metrics", []).text == "ok")
        probe.release.open()
        let late = try await answer
        #expect(late.text == #"{"echoedText":"late"}"#)
        #expect(late.headers.first(name: "connection") == "close")
        await refusesConnections(server)
      }
    }
    #expect(probe.finished.isOpen)
  }

  @Test
  func `a stopping server waits for a handler that ignores its cancellation`() async throws {
    let probe = Probe()
    try await TestServer.run(EchoService.methods(probe)) { server in
      let answer = try await RawHTTP.run { http in
        try await http.post(server.url("Stubborn"), json: "{}", [("connect-timeout-ms", "100")])
      }
      #expect(answer.status == 504)
      async let handlerWasDone = { () async -> Bool in
        await server.stopped.wait()
        return probe.finished.isOpen
      }()
      await server.stop()
      _ = try await RawHTTP.run { http in try await refusesCalls(server, http) }
      // Time for a server that does not wait to end.
      try await Task.sleep(for: .milliseconds(200))
      probe.release.open()
      #expect(await handlerWasDone)
    }
  }

  @Test
  func `a peer that does not read its answer cannot hold up a shutdown`() async throws {
    var limits = ServerLimits()
    limits.deadlineMax = .milliseconds(300)
    limits.lingerTimeout = .milliseconds(100)
    limits.flushTimeout = .milliseconds(100)
    let answered = Latch()
    let route = RawRoute("/large") { _, _, context in
      if context.requestNumber == 2 { answered.open() }
      return RawResponse(contentType: "application/octet-stream", body: Array(repeating: 0, count: 64 * 1024 * 1024))
    }
    try await TestServer.run(routes: [route], limits: limits) { server in
      try await RawConnection.run(port: server.port) { connection in
        // The second answer waits for room behind the first.
        for _ in 0..<2 { try await connection.write("GET /large HTTP/1.1\r\nHost: x\r\n\r\n") }
        #expect(try await connection.read(until: "HTTP/1.1 200 OK"))
        await answered.wait()
        let began = ContinuousClock.now
        await server.stop()
        await server.stopped.wait()
        #expect(began.duration(to: .now) < .seconds(20))
      }
    }
  }

  @Test
  func `calls are counted by method and code, and timed`() async throws {
    let registry = PrometheusRegistry()
    try await TestServer.run(metrics: registry) { server in
      try await RawHTTP.run { http in
        _ = try await http.post(server.url("Echo"), json: "{}")
        _ = try await http.post(server.url("Echo"), json: "{}")
        _ = try await http.post(server.url("Echo"), json: "{")
        _ = try await http.post(server.url("Nothing"), json: "{}")
      }
    }
    let text = registry.render()
    #expect(text.contains(#"domicile_rpc_calls_total{code="ok",method="/test.v1.EchoService/Echo"} 2"#))
    #expect(text.contains(#"domicile_rpc_calls_total{code="invalid_argument",method="/test.v1.EchoService/Echo"} 1"#))
    #expect(text.contains(#"domicile_rpc_calls_total{code="unimplemented",method="none"} 1"#))
    #expect(text.contains(#"domicile_rpc_call_seconds_count{method="/test.v1.EchoService/Echo"} 3"#))
    #expect(!text.contains("Nothing"))
  }

  /// Calls until the server no longer takes calls.
  private func refusesCalls(_ server: TestServer, _ http: RawHTTP) async throws -> RawAnswer {
    while true {
      let answer = try await http.post(server.url("Echo"), json: "{}")
      if answer.status != 200 { return answer }
    }
  }

  /// Connects until the server no longer accepts.
  private func refusesConnections(_ server: TestServer) async {
    while (try? await RawConnection.run(port: server.port) { _ in true }) == true { await Task.yield() }
  }
}

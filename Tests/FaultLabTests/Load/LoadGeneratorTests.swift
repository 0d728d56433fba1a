import ConnectRPC
import Coordinator
import DomicileAPI
import DomicileTestKit
import Foundation
import Logging
import ServiceLifecycle
import Synchronization
import Testing

@testable import FaultLab

/// Against a server of our own over TLS, whose calls take five milliseconds.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct LoadGeneratorTests {
  @Test(arguments: [1, 8])
  func `as many calls are under way as were asked for, on as many connections`(callsAtOnce: Int) async throws {
    let (result, seen) = try await load(callsAtOnce: callsAtOnce, gathers: true) { _ in Script(answerBytesMin: 2) }
    #expect(result.failures.isEmpty)
    #expect(result.calls > 4 * callsAtOnce)
    #expect(result.milliseconds(atPercentile: 0) >= 4.9)
    #expect(seen.most == 2 * callsAtOnce)
  }

  @Test(arguments: [1, 8])
  func `at a pace, no more calls are made than that`(callsAtOnce: Int) async throws {
    let (result, _) = try await load(callsAtOnce: callsAtOnce, callsPerSecond: 100) { _ in Script(answerBytesMin: 0) }
    #expect(result.failures.isEmpty)
    #expect((1...160).contains(result.calls))
  }

  @Test(arguments: [1, 8])
  func `answers that are too short are failures`(callsAtOnce: Int) async throws {
    let (result, _) = try await load(callsAtOnce: callsAtOnce) { _ in Script(answerBytesMin: 100) }
    #expect(result.calls == 0)
    #expect(result.failures.keys.sorted() == [200])
  }

  private struct Script: LoadScript {
    let answerBytesMin: Int

    mutating func next() -> LoadCall {
      LoadCall(path: "/test.v1.Test/Slow", body: [], answerBytesMin: answerBytesMin)
    }
  }

  private struct Seen {
    var now = 0
    var most = 0
  }

  private func load(
    callsAtOnce: Int, callsPerSecond: Double? = nil, gathers: Bool = false, script: @escaping @Sendable (Int) -> any LoadScript
  ) async throws -> (LoadResult, Seen) {
    let folder = FileManager.default.temporaryDirectory.appending(path: "domicile-load-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let identity = try TestIdentity(in: folder)
    let seen = SharedSeen()
    let method = UnaryMethod("test.v1.Test", "Slow") {
      (_: Grpc_Health_V1_HealthCheckRequest, _) -> Grpc_Health_V1_HealthCheckResponse in
      seen.enter()
      defer { seen.leave() }
      // A machine that is busy elsewhere may answer one call before it takes the next: the first calls wait for each other.
      let gathered = ContinuousClock.now + .seconds(20)
      while gathers, seen.value.most < 2 * callsAtOnce, .now < gathered { try await Task.sleep(for: .milliseconds(1)) }
      try await Task.sleep(for: .milliseconds(5))
      var answer = Grpc_Health_V1_HealthCheckResponse()
      answer.status = .serving
      return answer
    }
    let (ports, port) = AsyncStream.makeStream(of: Int.self)
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let server = try ConnectServer(
      configuration: ConnectServerConfiguration(
        host: "localhost", port: 0,
        tls: ServerTLS(certificateChainPEMPath: identity.leaf.certificate, privateKeyPEMPath: identity.leaf.key)),
      methods: [method], logger: logger, onStart: { port.yield($0) })
    let services = ServiceGroup(configuration: .init(services: [server], logger: logger))
    async let ended: Void = services.run()
    let bound = await ports.first { _ in true } ?? 0
    let generator = LoadGenerator(
      try LoadTarget(host: "localhost", port: bound, authority: identity.authority.certificate, token: "t", codec: .proto))
    let result = try await generator.run(
      .init(
        connections: 2, callsAtOnce: callsAtOnce, warmUp: .milliseconds(100), measured: .milliseconds(1_500),
        callsPerSecond: callsPerSecond), script: script)
    await services.triggerGracefulShutdown()
    try await ended
    return (result, seen.value)
  }

  private final class SharedSeen: Sendable {
    private let seen = Mutex(Seen())

    var value: Seen { seen.withLock { $0 } }
    func enter() {
      seen.withLock { seen in
        seen.now += 1
        seen.most = max(seen.most, seen.now)
      }
    }
    func leave() { seen.withLock { $0.now -= 1 } }
  }
}

import Logging
import ServiceLifecycle
import Synchronization
import Testing

@testable import ConnectRPC

/// Servers that stop, orderly or not, while streams begin and end.
@Suite(.timeLimit(.minutes(3)))
struct ShutdownTests {
  /// Failed by the end of the process: a stream that the server's tasks no longer took was dropped with a trap.
  @Test(arguments: [false, true])
  func `streams that come in while the server stops do not end the process`(isCancelled: Bool) async throws {
    try await TestCertificates.run { certificates in
      for round in 0..<8 {
        try await TestServer.run(EchoService.methods(), tls: certificates.serverTLS()) { server in
          let clients = try (0..<4).map { _ in try ConnectClient(baseURL: server.url, tls: certificates.clientTLS(nil)) }
          let answered = Count()
          await withTaskGroup(of: Void.self) { @Sendable group in
            for client in clients {
              for caller in 0..<3 {
                group.addTask { @Sendable in
                  for call in 0..<40 {
                    let isGivenUp = (call + caller).isMultiple(of: 2)
                    do throws(ConnectError) {
                      let _: Test_V1_EchoResponse = try await client.call(
                        EchoService.name, isGivenUp ? "Wait" : "Change", Test_V1_EchoRequest("x"),
                        timeout: isGivenUp ? .milliseconds(1 + call % 7) : .seconds(5))
                      answered.add()
                    } catch {
                      guard error.code == .deadlineExceeded else { return }
                    }
                  }
                }
              }
            }
            group.addTask { @Sendable in
              while answered.value < 20 + round { try? await Task.sleep(for: .milliseconds(1)) }
              if isCancelled { server.cancel() } else { await server.stop() }
            }
            await group.waitForAll()
          }
          #expect(answered.value >= 20)
          for client in clients { try await client.shutdown() }
        }
      }
    }
  }
}

private final class Count: Sendable {
  private let count = Atomic(0)
  var value: Int { count.load(ordering: .relaxed) }
  func add() { count.add(1, ordering: .relaxed) }
}

import Logging
import NIOCore
import NIOPosix
import NIOSSL
import ServiceLifecycle
import Synchronization
import Testing

@testable import ConnectRPC

/// Servers that stop, orderly or not, while streams begin and end.
@Suite(.timeLimit(.minutes(3)))
struct ShutdownTests {
  @Test func `a peer that has only connected does not keep a server up`() async throws {
    try await TestCertificates.run { certificates in
      try await TestServer.run(EchoService.methods(), tls: certificates.serverTLS()) { server in
        let silent = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
          .connect(host: "localhost", port: server.port).get()
        try await Task.sleep(for: .milliseconds(100))
        let elapsed = await ContinuousClock().measure {
          await server.stop()
          await server.stopped.wait()
        }
        #expect(elapsed < .seconds(8))
        try? await silent.close()
      }
    }
  }

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

extension ShutdownTests {
  /// - Parameter pause: a connection may still be being agreed on when the server stops.
  @Test(arguments: [Duration.zero, .milliseconds(300)])
  func `a peer that is frozen does not keep a server up`(after pause: Duration) async throws {
    try await TestCertificates.run { certificates in
      try await TestServer.run(EchoService.methods(), tls: certificates.serverTLS()) { server in
        var tls = try certificates.rawTLS()
        tls.applicationProtocols = ["h2"]
        let context = try NIOSSLContext(configuration: tls)
        // It speaks first, and then no more.
        let frozen = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
          .channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
              try channel.pipeline.syncOperations.addHandler(NIOSSLClientHandler(context: context, serverHostname: "localhost"))
            }
          }
          .connect(host: "localhost", port: server.port).get()
        let settings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0]
        try await frozen.writeAndFlush(ByteBuffer(bytes: Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + settings))
        try await frozen.setOption(.autoRead, value: false).get()
        try await Task.sleep(for: pause)
        let elapsed = await ContinuousClock().measure {
          await server.stop()
          await server.stopped.wait()
        }
        #expect(elapsed < .seconds(10))
        try? await frozen.close()
      }
    }
  }
}

private final class Count: Sendable {
  private let count = Atomic(0)
  var value: Int { count.load(ordering: .relaxed) }
  func add() { count.add(1, ordering: .relaxed) }
}

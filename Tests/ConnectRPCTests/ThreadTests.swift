import AsyncHTTPClient
import ConnectRPC
import Foundation
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Synchronization
import Testing

@testable import ConnectRPC

/// What a call costs beside its work: changes of thread, and writes.
@Suite(.timeLimit(.minutes(1)))
struct ThreadTests {
  @Test(arguments: [false, true])
  func `a call stays on the thread of its connection`(http1Only: Bool) async throws {
    let threads = Mutex<[UInt]>([])
    let method = UnaryMethod(EchoService.name, "Echo") { (request: Test_V1_EchoRequest, _) -> Test_V1_EchoResponse in
      for _ in 0..<10 {
        threads.withLock { $0.append(UInt(pthread_self())) }
        await Task.yield()
        try await Task.sleep(for: .milliseconds(1))
      }
      return .init()
    }
    try await TestCertificates.run { certificates in
      try await TestServer.run([method], tls: certificates.serverTLS()) { server in
        try await RawHTTP.run(tls: certificates.rawTLS(), http1Only: http1Only) { http in
          for _ in 0..<3 { _ = try await http.post(server.url("Echo"), json: "{}") }
        }
      }
    }
    #expect(threads.withLock { $0.count } == 30)
    #expect(Set(threads.withLock { $0 }).count == 1)
  }

  @Test func `what is flushed in one turn of the event loop leaves at once`() throws {
    let flushes = FlushCounter()
    let channel = EmbeddedChannel(handlers: [flushes, SharedFlush()])
    for part in ["a", "b", "c"] { channel.writeAndFlush(ByteBuffer(string: part), promise: nil) }
    #expect(flushes.count == 0)
    channel.embeddedEventLoop.run()
    #expect(flushes.count == 1)
    for part in ["a", "b", "c"] { #expect(try channel.readOutbound(as: ByteBuffer.self) == ByteBuffer(string: part)) }
    channel.writeAndFlush(ByteBuffer(string: "d"), promise: nil)
    channel.embeddedEventLoop.run()
    #expect(flushes.count == 2)
    _ = try channel.finish()
  }

  private final class FlushCounter: ChannelOutboundHandler {
    typealias OutboundIn = NIOAny
    var count = 0

    func flush(context: ChannelHandlerContext) {
      count += 1
      context.flush()
    }
  }
}

import NIOCore
import NIOPosix
import Testing

@testable import FaultLab

/// Answers every query with its tag, as PostgreSQL would: `COMMIT` to a commit.
private final class EchoServer: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private var messages = PostgresMessages(startsWithoutType: true)

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    messages.append(unwrapInboundIn(data))
    while var message = messages.next() {
      guard let sql = message.readStrings(1).first else { continue }
      context.writeAndFlush(NIOAny(Wire.complete(sql)), promise: nil)
    }
  }
}

@Suite struct CommitRelayTests {
  /// Starts a server and a relay to it.
  private func withRelay(_ body: (CommitRelay) async throws -> Void) async throws {
    let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(EchoServer()) }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    let port = try #require(server.localAddress?.port)
    let relay = try await CommitRelay.start(to: [.init(host: "127.0.0.1", port: port)])
    do {
      try await body(relay)
    } catch {
      await relay.stop()
      try await server.close()
      throw error
    }
    await relay.stop()
    try await server.close()
  }

  /// What the client gets for its queries, each sent when the one before was answered; `nil` for a broken connection.
  private func answers(to queries: [String], through relay: CommitRelay) async throws -> [String?] {
    let client = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connect(host: "127.0.0.1", port: try #require(relay.ports.first)) { channel in
        channel.eventLoop.makeCompletedFuture {
          try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }
      }
    return try await client.executeThenClose { inbound, outbound in
      var received = PostgresMessages(startsWithoutType: false)
      var parts = inbound.makeAsyncIterator()
      var answers: [String?] = []
      for (index, query) in queries.enumerated() {
        let message = Wire.message("Q", "\(query)\0")
        do { try await outbound.write(index == 0 ? Wire.joined(Wire.startup, message) : message) } catch {
          answers.append(nil)
          continue
        }
        var answer = received.next()
        while answer == nil {
          guard let part = try? await parts.next() else { break }
          received.append(part)
          answer = received.next()
        }
        var whole = answer
        answers.append(whole?.readStrings(1).first)
      }
      return answers
    }
  }

  @Test func `a relay that was told nothing passes everything`() async throws {
    try await withRelay { relay in
      let answers = try await answers(to: ["BEGIN", "COMMIT", "BEGIN", "COMMIT"], through: relay)
      #expect(answers == ["BEGIN", "COMMIT", "BEGIN", "COMMIT"])
      #expect(relay.lostCount == 0)
    }
  }

  @Test func `an acknowledgement is lost when that was asked for, and only one`() async throws {
    try await withRelay { relay in
      relay.loseNextAcknowledgement()
      let first = try await answers(to: ["BEGIN", "COMMIT"], through: relay)
      #expect(first == ["BEGIN", nil])
      #expect(relay.lostCount == 1, "the server had acknowledged it")
      let second = try await answers(to: ["BEGIN", "COMMIT"], through: relay)
      #expect(second == ["BEGIN", "COMMIT"])
      #expect(relay.lostCount == 1)
    }
  }

  @Test func `a loss that was taken back does not happen`() async throws {
    try await withRelay { relay in
      relay.loseNextAcknowledgement()
      relay.loseNothing()
      let answers = try await answers(to: ["COMMIT"], through: relay)
      #expect(answers == ["COMMIT"])
    }
  }

  @Test func `a server that is not there breaks the client's connection`() async throws {
    let nobody = try FreePort.find()
    let relay = try await CommitRelay.start(to: [.init(host: "127.0.0.1", port: nobody)])
    let answers = try await answers(to: ["BEGIN"], through: relay)
    #expect(answers == [nil])
    await relay.stop()
  }
}

import NIOCore
import NIOPosix
import Residency
import Testing

@testable import FaultLab

@Suite struct LinkTests {
  private static let regions = ["one", "two", "three", "four", "five"].compactMap { RegionID("lab-\($0)") }

  private func bytes(_ text: String) -> LinkQueue.Piece { .bytes(ByteBuffer(string: text)) }

  @Test func `a piece arrives after the link's delay, and a lost one when it was sent again; nothing overtakes it`() {
    var queue = LinkQueue()
    let link = LinkCondition(delay: .milliseconds(30))
    let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
    queue.append(bytes("first"), now: start, over: link, isLost: false)
    queue.append(bytes("lost"), now: start, over: link, isLost: true)
    queue.append(bytes("after"), now: start, over: link, isLost: false)
    #expect(queue.take(now: start + .milliseconds(29), isCut: false).isEmpty)
    #expect(queue.take(now: start + .milliseconds(30), isCut: false) == [bytes("first")])
    #expect(queue.take(now: start + .milliseconds(289), isCut: false).isEmpty)
    #expect(queue.take(now: start + .milliseconds(290), isCut: false) == [bytes("lost"), bytes("after")])
    #expect(queue.isEmpty)
    #expect(queue.heldBytes == 0)
  }

  @Test func `over a cut link nothing comes, not even that the other side has closed`() {
    var queue = LinkQueue()
    let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
    queue.append(bytes("said"), now: start, over: LinkCondition(isCut: true), isLost: false)
    queue.append(.end, now: start, over: LinkCondition(isCut: true), isLost: false)
    #expect(queue.take(now: start + .hours(1), isCut: true).isEmpty)
    #expect(queue.take(now: start + .hours(1), isCut: false) == [bytes("said"), .end])
  }

  @Test(arguments: Partition.allCases)
  func `a partition cuts what it says`(partition: Partition) {
    let regions = Self.regions
    let cuts = partition.cuts(among: regions)
    func isCut(_ from: Int, _ to: Int) -> Bool { cuts.contains(LinkDirection(from: regions[from], to: regions[to])) }
    switch partition {
    case .single, .flapping:
      #expect(cuts.count == 8)
      #expect(isCut(0, 4) && isCut(4, 0) && !isCut(1, 4))
    case .minority:
      #expect(cuts.count == 12)
      #expect(isCut(1, 2) && isCut(2, 1) && !isCut(0, 1) && !isCut(2, 4))
    case .noMajority:
      #expect(cuts.count == 16)
      #expect(!isCut(0, 1) && !isCut(2, 3) && isCut(3, 4) && isCut(1, 2))
    case .complete: #expect(cuts.count == 20)
    case .bridge:
      #expect(cuts.count == 8)
      #expect(isCut(0, 3) && isCut(4, 1) && !isCut(2, 0) && !isCut(4, 2))
    case .oneWay:
      #expect(cuts.count == 4)
      #expect(isCut(0, 1) && !isCut(1, 0))
    }
  }

  @Test func `the relay delays, cuts one way only, and goes on where it was when the link is whole again`() async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let echo = try await ServerBootstrap(group: group)
      .childChannelInitializer { channel in channel.pipeline.addHandler(EchoHandler()) }
      .bind(host: "127.0.0.1", port: 0).get()
    let (here, there) = (Self.regions[0], Self.regions[1])
    let relay = try await LinkRelay.start(
      between: [here: try #require(echo.localAddress?.port), there: try #require(echo.localAddress?.port)], seed: 1)
    let (outward, homeward) = (LinkDirection(from: here, to: there), LinkDirection(from: there, to: here))
    for way in [outward, homeward] { relay.set(LinkCondition(delay: .milliseconds(40)), way) }
    let heard = AsyncStream<String>.makeStream()
    let caller = try await ClientBootstrap(group: group)
      .channelInitializer { channel in channel.pipeline.addHandler(HearingHandler(heard.continuation)) }
      .connect(host: "127.0.0.1", port: try #require(relay.port(from: here, to: there))).get()
    var answers = heard.stream.makeAsyncIterator()

    let began = ContinuousClock.now
    try await caller.writeAndFlush(ByteBuffer(string: "a"))
    #expect(await answers.next() == "a")
    #expect(began.duration(to: .now) >= .milliseconds(80))

    // What is sent arrives; what is answered does not.
    relay.cut([homeward])
    try await caller.writeAndFlush(ByteBuffer(string: "b"))
    let silence = Task {
      try await Task.sleep(for: .milliseconds(300))
      relay.cut([])
    }
    let cutAt = ContinuousClock.now
    #expect(await answers.next() == "b")
    #expect(cutAt.duration(to: .now) >= .milliseconds(300))
    #expect(relay.sentBytes(outward) == 2)
    #expect(relay.sentBytes(homeward) == 2)
    try await silence.value

    try await caller.close()
    await relay.stop()
    try await echo.close()
    try await group.shutdownGracefully()
  }
}

private final class EchoHandler: ChannelInboundHandler, Sendable {
  typealias InboundIn = ByteBuffer

  func channelRead(context: ChannelHandlerContext, data: NIOAny) { context.writeAndFlush(data, promise: nil) }
}

private final class HearingHandler: ChannelInboundHandler, Sendable {
  typealias InboundIn = ByteBuffer
  private let heard: AsyncStream<String>.Continuation

  init(_ heard: AsyncStream<String>.Continuation) { self.heard = heard }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    heard.yield(String(buffer: unwrapInboundIn(data)))
  }
}

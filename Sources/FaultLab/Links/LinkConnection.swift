import NIOCore
import Residency

/// A connection over a link: the caller's part and the part to the called region. All of it runs on one event loop.
final class LinkConnection {
  enum Side { case caller, called }

  private let caller: any NIOCore.Channel
  private let called: any NIOCore.Channel
  private let direction: LinkDirection
  private let links: LinkTable
  private var outward = LinkQueue()
  private var homeward = LinkQueue()
  private var isTimed = false

  /// A cut link is looked at so often.
  private static let look = TimeAmount.milliseconds(10)

  init(caller: any NIOCore.Channel, called: any NIOCore.Channel, direction: LinkDirection, links: LinkTable) {
    self.caller = caller
    self.called = called
    self.direction = direction
    self.links = links
  }

  func received(_ piece: LinkQueue.Piece, from side: Side) {
    let way = side == .caller ? direction : direction.reversed
    let (condition, isLost) = links.send(piece, over: way)
    switch side {
    case .caller: outward.append(piece, now: .now(), over: condition, isLost: isLost)
    case .called: homeward.append(piece, now: .now(), over: condition, isLost: isLost)
    }
    deliver()
  }

  /// What one side cannot take is not read from the other.
  func regulate() {
    read(caller, outward.isFull || !called.isWritable)
    read(called, homeward.isFull || !caller.isWritable)
  }

  private func read(_ channel: any NIOCore.Channel, _ isStopped: Bool) {
    channel.setOption(.autoRead, value: !isStopped).whenComplete { _ in }
  }

  private func deliver() {
    let (there, back) = (links[direction].isCut, links[direction.reversed].isCut)
    Self.deliver(outward.take(now: .now(), isCut: there), to: called)
    Self.deliver(homeward.take(now: .now(), isCut: back), to: caller)
    regulate()
    wait(isCut: there || back)
  }

  private static func deliver(_ pieces: [LinkQueue.Piece], to channel: any NIOCore.Channel) {
    for piece in pieces {
      switch piece {
      case .bytes(let bytes): channel.write(bytes, promise: nil)
      case .end:
        channel.flush()
        channel.close(promise: nil)
      }
    }
    if !pieces.isEmpty { channel.flush() }
  }

  private func wait(isCut: Bool) {
    guard !isTimed, let due = [outward.nextDue, homeward.nextDue].compactMap({ $0 }).min() else { return }
    isTimed = true
    let at = isCut ? max(due, .now() + Self.look) : due
    _ = caller.eventLoop.assumeIsolated().scheduleTask(deadline: at) {
      self.isTimed = false
      self.deliver()
    }
  }
}

@available(*, unavailable)
extension LinkConnection: Sendable {}

/// Tells the connection what happens on one of its two sides.
final class LinkHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let connection: LinkConnection
  private let side: LinkConnection.Side

  init(_ connection: LinkConnection, of side: LinkConnection.Side) {
    self.connection = connection
    self.side = side
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    connection.received(.bytes(unwrapInboundIn(data)), from: side)
  }
  func channelInactive(context: ChannelHandlerContext) { connection.received(.end, from: side) }
  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
  func channelWritabilityChanged(context: ChannelHandlerContext) { connection.regulate() }
}

@available(*, unavailable)
extension LinkHandler: Sendable {}

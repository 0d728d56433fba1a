import NIOCore

/// A client's connection and the one to the server that belongs to it. Both run on one event loop, and so does this.
///
/// ```
/// passing -> holding (a commit was sent that is to be lost) -> broken (it was acknowledged, or failed)
/// passing -> broken (either side closed)
/// ```
final class RelayLink {
  enum Side { case client, server }
  private enum State { case passing, holding, broken }

  private let client: any NIOCore.Channel
  private let server: any NIOCore.Channel
  private let losses: CommitLosses
  private var watch = CommitWatch()
  private var state = State.passing

  init(client: any NIOCore.Channel, server: any NIOCore.Channel, losses: CommitLosses) {
    self.client = client
    self.server = server
    self.losses = losses
  }

  func received(_ bytes: ByteBuffer, from side: Side) {
    switch side {
    case .client:
      if watch.clientSent(bytes), state == .passing, losses.take() { state = .holding }
      server.writeAndFlush(bytes, promise: nil)
    case .server:
      let answer = watch.serverSent(bytes)
      guard state == .holding else { return client.writeAndFlush(bytes, promise: nil) }
      switch answer {
      case .none: break
      case .acknowledged:
        losses.noteLoss()
        end()
      case .failed: end()
      }
    }
  }

  /// What one side cannot take at once is not read from the other.
  func writable(_ isWritable: Bool, on side: Side) {
    let source = side == .client ? server : client
    source.setOption(.autoRead, value: isWritable).whenComplete { _ in }
  }

  func end() {
    guard state != .broken else { return }
    state = .broken
    client.close(promise: nil)
    server.close(promise: nil)
  }
}

@available(*, unavailable)
extension RelayLink: Sendable {}

/// Tells the link what happens on one of its two connections.
final class RelayHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let link: RelayLink
  private let side: RelayLink.Side

  init(_ link: RelayLink, of side: RelayLink.Side) {
    self.link = link
    self.side = side
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) { link.received(unwrapInboundIn(data), from: side) }
  func channelInactive(context: ChannelHandlerContext) { link.end() }
  func errorCaught(context: ChannelHandlerContext, error: any Error) { link.end() }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    link.writable(context.channel.isWritable, on: side)
  }
}

@available(*, unavailable)
extension RelayHandler: Sendable {}

import NIOCore

/// Notices, in the pipeline in which requests arrive, that nobody is left to read an answer.
///
/// The end of the peer's output counts as leaving: HTTP clients keep theirs open while they wait.
final class StreamWatch: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = NIOAny
  typealias InboundOut = NIOAny

  private var peer = Peer(certificates: [], isHTTP2: false)

  func handlerAdded(context: ChannelHandlerContext) {
    if let record = try? context.pipeline.syncOperations.handler(type: HandshakeRecord.self) {
      peer = Peer(certificates: record.peerCertificates, isHTTP2: false)
    } else if let parent = context.channel.parent, parent.eventLoop.inEventLoop,
      let record = try? parent.pipeline.syncOperations.handler(type: HandshakeRecord.self)
    {
      // An HTTP/2 stream has a channel of its own; TLS ended in the connection's, on the same event loop. (The parent of an
      // HTTP/1.1 connection is the listening socket, on any event loop.)
      peer = Peer(certificates: record.peerCertificates, isHTTP2: true)
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    peer.markGone()
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    peer.markGone()
    context.fireErrorCaught(error)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case ChannelEvent.inputClosed? = event as? ChannelEvent { peer.markGone() }
    context.fireUserInboundEventTriggered(event)
  }

  /// - Throws: `ChannelError` where the channel is closed already.
  static func peer(of channel: any Channel) async throws -> Peer {
    try await channel.eventLoop.submit {
      try channel.pipeline.syncOperations.handler(type: StreamWatch.self).peer
    }.get()
  }
}

@available(*, unavailable)
extension StreamWatch: Sendable {}

import NIOCore
import Synchronization

/// The other end of a connection or of an HTTP/2 stream.
final class Peer: Sendable {
  /// In DER; only the leaf, and only where the handshake verified it.
  let certificates: [[UInt8]]
  let isHTTP2: Bool

  private struct Presence {
    var isGone = false
    var onGone: (@Sendable () -> Void)?
  }
  private let presence = Mutex(Presence())

  init(certificates: [[UInt8]], isHTTP2: Bool) {
    self.certificates = certificates
    self.isHTTP2 = isHTTP2
  }

  /// Calls `action` once the peer is gone, at once if it is gone already; it replaces an earlier action.
  func onGone(_ action: (@Sendable () -> Void)?) {
    let isGone = presence.withLock { presence in
      presence.onGone = action
      return presence.isGone
    }
    if isGone { action?() }
  }

  func markGone() {
    let action = presence.withLock { presence in
      presence.isGone = true
      defer { presence.onGone = nil }
      return presence.onGone
    }
    action?()
  }
}

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

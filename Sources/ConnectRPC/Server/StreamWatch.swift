import NIOCore
import Synchronization

/// Notices, in the pipeline in which requests arrive, that nobody is left to read an answer.
///
/// The end of the peer's output counts as leaving: HTTP clients keep theirs open while they wait.
final class StreamWatch: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = NIOAny
  typealias InboundOut = NIOAny

  private let table: PeerTable
  private var peer = Peer(certificates: [], isHTTP2: false)

  init(_ table: PeerTable) { self.table = table }

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
    table.add(peer, of: context.channel)
  }

  func handlerRemoved(context: ChannelHandlerContext) { table.remove(context.channel) }

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
}

/// Who is at the other end of the open channels. It spares each call two changes of thread, to its channel's event loop and back.
final class PeerTable: Sendable {
  private let peers = Mutex([ObjectIdentifier: Peer]())

  func add(_ peer: Peer, of channel: any Channel) { peers.withLock { $0[ObjectIdentifier(channel)] = peer } }

  func remove(_ channel: any Channel) { _ = peers.withLock { $0.removeValue(forKey: ObjectIdentifier(channel)) } }

  /// - Throws: `ChannelError` where the channel is closed already.
  func peer(of channel: any Channel) throws(ChannelError) -> Peer {
    guard let peer = peers.withLock({ $0[ObjectIdentifier(channel)] }) else { throw .ioOnClosedChannel }
    return peer
  }
}

@available(*, unavailable)
extension StreamWatch: Sendable {}

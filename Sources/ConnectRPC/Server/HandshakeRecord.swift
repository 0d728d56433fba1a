import NIOCore
import NIOSSL
import NIOTLS

/// Keeps what the TLS handshake proved about the peer, and ends a connection whose handshake takes too long.
final class HandshakeRecord: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = NIOAny
  typealias InboundOut = NIOAny

  /// In DER; empty until the handshake is complete.
  private(set) var peerCertificates: [[UInt8]] = []
  private let timeout: TimeAmount
  private var timer: Scheduled<Void>?

  init(timeout: TimeAmount) {
    self.timeout = timeout
  }

  func handlerAdded(context: ChannelHandlerContext) {
    let channel = context.channel
    timer = context.eventLoop.scheduleTask(in: timeout) { channel.close(promise: nil) }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    timer?.cancel()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .handshakeCompleted? = event as? TLSUserEvent {
      timer?.cancel()
      if let leaf = try? context.pipeline.syncOperations.nioSSL_peerCertificate(), let der = try? leaf.toDERBytes() {
        peerCertificates = [der]
      }
    }
    context.fireUserInboundEventTriggered(event)
  }
}

@available(*, unavailable)
extension HandshakeRecord: Sendable {}

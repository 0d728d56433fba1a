import HummingbirdCore
import Logging
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

/// A TLS channel with a ``SharedFlush``, a ``HandshakeRecord`` and an ``OrderlyClose`` behind its TLS handler.
struct RecordedTLSChannel<Base: ServerChildChannel>: ServerChildChannel {
  let base: Base
  let handshakeTimeout: TimeAmount
  let flushTimeout: TimeAmount

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
    let value = base.setup(channel: channel, logger: logger)
    do {
      let pipeline = channel.pipeline.syncOperations
      let tls = try pipeline.handler(type: NIOSSLServerHandler.self)
      try pipeline.addHandlers(
        [SharedFlush(), HandshakeRecord(timeout: handshakeTimeout), OrderlyClose(timeout: flushTimeout)], position: .after(tls))
      // A peer that ends its output has left; else its connection would wait out a TLS shutdown that it no longer answers.
      try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: false)
    } catch {
      return channel.eventLoop.makeFailedFuture(error)
    }
    return value
  }

  func handle(value: Base.Value, logger: Logger) async {
    await base.handle(value: value, logger: logger)
  }
}

import NIOCore

/// Lets all that is flushed in one turn of a connection's event loop leave together: the answers to the streams of an HTTP/2 connection
/// often come at once, and each flush would cost a TLS record and a system call.
final class SharedFlush: ChannelOutboundHandler, RemovableChannelHandler {
  typealias OutboundIn = NIOAny
  typealias OutboundOut = NIOAny

  private var isDue = false
  private var isRemoved = false

  func flush(context: ChannelHandlerContext) {
    guard !isDue else { return }
    isDue = true
    context.eventLoop.assumeIsolated().execute {
      self.isDue = false
      if !self.isRemoved { context.flush() }
    }
  }

  func handlerRemoved(context: ChannelHandlerContext) { isRemoved = true }
}

@available(*, unavailable)
extension SharedFlush: Sendable {}

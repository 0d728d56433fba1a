import NIOCore
import NIOHTTP2

/// At the end of an HTTP/2 connection: closes it where something is wrong with it as a whole.
///
/// The HTTP/2 library takes nothing more in after such an error (a frame of a stream that it no longer remembers is one), and nobody else
/// closes: all calls on the connection would wait for their deadlines, also those that begin later.
final class ErrorClose: ChannelInboundHandler, RemovableChannelHandler, Sendable {
  typealias InboundIn = NIOAny

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // One stream's own.
    guard !(error is NIOHTTP2Errors.StreamError) else { return }
    context.close(promise: nil)
  }
}

import NIOCore

/// Lets no close overtake the writes before it.
///
/// A stopping server closes an HTTP/2 stream as soon as its answer is written, and the connection while the last stream's last frame
/// is being written; both would drop what flow control or the handler's own loop still holds back.
///
/// ```
/// open -> closing (close was asked for) -> closed (writes are out, or the time is over)
/// ```
final class OrderlyClose: ChannelOutboundHandler, RemovableChannelHandler {
  typealias OutboundIn = NIOAny
  typealias OutboundOut = NIOAny

  private struct Closing {
    var promises: [EventLoopPromise<Void>]
    /// Whether what was being written when the close came had the time to be written.
    var turnIsOver = false
    var timer: Scheduled<Void>
  }

  private var writesOut = 0
  private var closing: Closing?
  private let timeout: TimeAmount

  /// - Parameter timeout: how long a close waits at most.
  init(timeout: TimeAmount) {
    self.timeout = timeout
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    // Only a closed channel loses its handlers.
    for promise in endClosing() { promise.succeed(()) }
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    let promise = promise ?? context.eventLoop.makePromise()
    writesOut += 1
    promise.futureResult.assumeIsolated().whenComplete { _ in
      self.writesOut -= 1
      self.closeIfReady(context)
    }
    context.write(data, promise: promise)
  }

  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    guard mode == .all, context.channel.isActive else {
      context.close(mode: mode, promise: promise)
      return
    }
    guard closing == nil else {
      if let promise { closing?.promises.append(promise) }
      return
    }
    let eventLoop = context.eventLoop.assumeIsolated()
    let timer = eventLoop.scheduleTask(in: timeout) { self.closeNow(context) }
    closing = Closing(promises: promise.map { [$0] } ?? [], timer: timer)
    eventLoop.execute {
      guard self.closing != nil else { return }
      self.closing?.turnIsOver = true
      context.flush()
      self.closeIfReady(context)
    }
  }

  private func closeIfReady(_ context: ChannelHandlerContext) {
    if closing?.turnIsOver == true, writesOut == 0 { closeNow(context) }
  }

  private func closeNow(_ context: ChannelHandlerContext) {
    guard closing != nil else { return }
    let promises = endClosing()
    let closed = context.eventLoop.makePromise(of: Void.self)
    for promise in promises { closed.futureResult.cascade(to: promise) }
    context.close(mode: .all, promise: closed)
  }

  private func endClosing() -> [EventLoopPromise<Void>] {
    defer { closing = nil }
    closing?.timer.cancel()
    return closing?.promises ?? []
  }
}

@available(*, unavailable)
extension OrderlyClose: Sendable {}

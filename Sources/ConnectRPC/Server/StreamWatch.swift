import NIOCore

/// Notices, in the pipeline in which requests arrive, that nobody is left to read an answer; and lets no close overtake one.
///
/// The end of the peer's output counts as leaving: HTTP clients keep theirs open while they wait.
///
/// A stopping server closes an HTTP/2 stream as soon as its answer is written, and with it drops what flow control still holds
/// back. So a close waits here until the writes before it are out.
final class StreamWatch: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = NIOAny
  typealias InboundOut = NIOAny
  typealias OutboundIn = NIOAny
  typealias OutboundOut = NIOAny

  private struct WaitingClose {
    let promise: EventLoopPromise<Void>?
    let timer: Scheduled<Void>
  }

  private var peer = Peer(certificates: [], isHTTP2: false)
  private var writesOut = 0
  private var waitingClose: WaitingClose?
  private let flushTimeout: TimeAmount

  /// - Parameter flushTimeout: how long a close waits at most.
  init(flushTimeout: TimeAmount) {
    self.flushTimeout = flushTimeout
  }

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

  func handlerRemoved(context: ChannelHandlerContext) {
    // Only a closed channel loses its handlers.
    takeWaitingClose()?.succeed(())
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

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    let promise = promise ?? context.eventLoop.makePromise()
    writesOut += 1
    promise.futureResult.assumeIsolated().whenComplete { _ in
      self.writesOut -= 1
      if self.writesOut == 0 { self.finishWaitingClose(context) }
    }
    context.write(data, promise: promise)
  }

  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    guard mode == .all, writesOut > 0, context.channel.isActive else {
      context.close(mode: mode, promise: promise)
      return
    }
    if let earlier = waitingClose {
      earlier.promise?.futureResult.cascade(to: promise)
      if earlier.promise == nil { waitingClose = WaitingClose(promise: promise, timer: earlier.timer) }
      return
    }
    let timer = context.eventLoop.assumeIsolated().scheduleTask(in: flushTimeout) { self.finishWaitingClose(context) }
    waitingClose = WaitingClose(promise: promise, timer: timer)
    context.flush()
  }

  private func finishWaitingClose(_ context: ChannelHandlerContext) {
    guard waitingClose != nil else { return }
    context.close(mode: .all, promise: takeWaitingClose())
  }

  private func takeWaitingClose() -> EventLoopPromise<Void>? {
    defer { waitingClose = nil }
    waitingClose?.timer.cancel()
    return waitingClose?.promise
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

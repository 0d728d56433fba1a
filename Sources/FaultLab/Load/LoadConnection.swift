import NIOCore
import NIOTLS

/// The end of a connection's pipeline, which makes its calls. Everything happens on the connection's event loop.
///
/// ```
/// opening -> ready (TLS is established) -> loading (it was told to begin) -> ended (the time is over, or the connection broke)
/// ```
final class LoadConnection<Framing: LoadFraming>: ChannelInboundHandler {
  typealias InboundIn = Framing.Inbound
  typealias OutboundOut = Framing.Outbound

  private var framing: Framing
  private let promises: LoadPromises
  private var loop: CallLoop?
  private var lanesLeft = 0
  private var context: ChannelHandlerContext?

  init(_ framing: Framing, _ promises: LoadPromises) {
    self.framing = framing
    self.promises = promises
  }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }
  func handlerRemoved(context: ChannelHandlerContext) { end(.failure(ChannelError.eof)) }
  func errorCaught(context: ChannelHandlerContext, error: any Error) { end(.failure(error)) }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .handshakeCompleted? = event as? TLSUserEvent {
      let connection = NIOLoopBound(self, eventLoop: context.eventLoop)
      let eventLoop = context.eventLoop
      promises.ready.succeed { loop in eventLoop.execute { connection.value.begin(loop) } }
    }
    context.fireUserInboundEventTriggered(event)
  }

  private func begin(_ loop: CallLoop) {
    guard let context else { return }
    self.loop = loop
    lanesLeft = loop.laneCount
    for part in framing.opening { context.write(wrapOutboundOut(part), promise: nil) }
    for lane in 0..<loop.laneCount { proceed(lane) }
    context.flush()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    do {
      for answer in try framing.answers(in: unwrapInboundIn(data)) {
        loop?.answered(answer.lane, with: answer.answer, at: .now())
        proceed(answer.lane)
      }
    } catch {
      end(.failure(error))
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    if let part = framing.acknowledgement() { context.write(wrapOutboundOut(part), promise: nil) }
    context.flush()
    context.fireChannelReadComplete()
  }

  /// What is written is flushed by the caller, once for all that came together.
  private func proceed(_ lane: Int) {
    guard let context, let step = loop?.next(lane, at: .now()) else { return }
    switch step {
    case .call(let call):
      for part in framing.request(call, lane: lane) { context.write(wrapOutboundOut(part), promise: nil) }
    case .wait(let due):
      let connection = NIOLoopBound(self, eventLoop: context.eventLoop)
      context.eventLoop.scheduleTask(deadline: due) {
        connection.value.proceed(lane)
        connection.value.context?.flush()
      }
    case .end:
      lanesLeft -= 1
      if lanesLeft == 0 { end(.success(loop?.result ?? LoadResult())) }
    }
  }

  private func end(_ result: Result<LoadResult, any Error>) {
    guard let context else { return }
    self.context = nil
    promises.end(result)
    context.close(promise: nil)
  }
}

@available(*, unavailable)
extension LoadConnection: Sendable {}

/// What a connection tells.
struct LoadPromises {
  /// Makes the loop's calls until its time is over.
  typealias Begin = @Sendable (CallLoop) -> Void

  /// TLS is established: calls may begin.
  let ready: EventLoopPromise<Begin>
  let finished: EventLoopPromise<LoadResult>

  init(on eventLoop: any EventLoop) {
    ready = eventLoop.makePromise()
    finished = eventLoop.makePromise()
  }

  func end(_ result: Result<LoadResult, any Error>) {
    ready.fail(ChannelError.eof)
    finished.completeWith(result)
  }
}

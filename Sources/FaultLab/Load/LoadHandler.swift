import Histogram
import NIOCore

/// One connection's closed loop: a call, its answer, the next call. Everything happens on the connection's event loop.
///
/// ```
/// idle -> calling (a call is due) -> idle -> … -> done (the time is over, or the connection broke)
/// ```
final class LoadHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// When things happen.
  struct Schedule: Sendable {
    let measuredFrom: NIODeadline
    let until: NIODeadline
    /// Between two calls of a connection; `nil`: as fast as answers come.
    let interval: TimeAmount?
  }

  private let target: LoadTarget
  private let schedule: Schedule
  private var script: any LoadScript
  private var reader = ResponseReader()
  private var result = LoadResult()
  private var due = NIODeadline.now()
  private var current = LoadCall(path: "", body: [])
  private let finished: EventLoopPromise<LoadResult>
  private var isDone = false

  init(_ target: LoadTarget, _ script: any LoadScript, _ schedule: Schedule, finished: EventLoopPromise<LoadResult>) {
    self.target = target
    self.script = script
    self.schedule = schedule
    self.finished = finished
  }

  /// The TLS handshake is done when the first bytes pass, so the first call's latency would hold it; warm-up takes that.
  func channelActive(context: ChannelHandlerContext) {
    due = .now()
    call(context)
    context.fireChannelActive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var part = unwrapInboundIn(data)
    reader.append(&part)
    do {
      while let answer = try reader.next() { take(answer, context) }
    } catch {
      finish(context, error)
    }
  }

  func channelInactive(context: ChannelHandlerContext) { finish(context, ChannelError.eof) }
  func errorCaught(context: ChannelHandlerContext, error: any Error) { finish(context, error) }

  private func call(_ context: ChannelHandlerContext) {
    current = script.next()
    let head = target.head(path: current.path, bodyCount: current.body.count)
    var buffer = context.channel.allocator.buffer(capacity: head.utf8.count + current.body.count)
    buffer.writeString(head)
    buffer.writeBytes(current.body)
    context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
  }

  private func take(_ answer: ResponseReader.Answer, _ context: ChannelHandlerContext) {
    let now = NIODeadline.now()
    if now >= schedule.measuredFrom, now < schedule.until { note(answer, after: now - due) }
    guard now < schedule.until else { return finish(context, nil) }
    guard let interval = schedule.interval else {
      due = now
      return call(context)
    }
    // What is late stays due when it was: a server that stalls shows in every call that it held up.
    due = due + interval
    guard due > now else { return call(context) }
    let box = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    context.eventLoop.scheduleTask(deadline: due) {
      let (handler, context) = box.value
      if !handler.isDone { handler.call(context) }
    }
  }

  private func note(_ answer: ResponseReader.Answer, after latency: TimeAmount) {
    guard answer.status == 200 else {
      result.failures[answer.status, default: 0] += 1
      if result.firstFailure == nil { result.firstFailure = String(buffer: answer.body) }
      return
    }
    _ = result.latency.record(UInt64(max(1, latency.nanoseconds / 1_000)))
    result.calls += 1
    result.weight += current.weight
  }

  private func finish(_ context: ChannelHandlerContext, _ error: (any Error)?) {
    guard !isDone else { return }
    isDone = true
    result.seconds = Double((schedule.until - schedule.measuredFrom).nanoseconds) / 1e9
    if let error { finished.fail(error) } else { finished.succeed(result) }
    context.close(promise: nil)
  }
}

@available(*, unavailable)
extension LoadHandler: Sendable {}

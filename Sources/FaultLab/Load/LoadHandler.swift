import NIOCore
import NIOTLS

/// One call at a time, over HTTP/1.1.
final class LoadHandler: LoadConnection {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let target: LoadTarget
  private let promises: LoadPromises
  private var loop: CallLoop?
  private var reader = ResponseReader()
  private var context: ChannelHandlerContext?

  init(_ target: LoadTarget, _ promises: LoadPromises) {
    self.target = target
    self.promises = promises
  }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }
  func handlerRemoved(context: ChannelHandlerContext) { end(.failure(ChannelError.eof)) }
  func errorCaught(context: ChannelHandlerContext, error: any Error) { end(.failure(error)) }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .handshakeCompleted? = event as? TLSUserEvent { promises.ready.succeed() }
    context.fireUserInboundEventTriggered(event)
  }

  func begin(_ loop: CallLoop) {
    self.loop = loop
    proceed()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var part = unwrapInboundIn(data)
    reader.append(&part)
    do {
      while let answer = try reader.next() {
        let text = answer.status == 200 ? "too short" : String(buffer: answer.body)
        loop?.answered(0, with: .init(status: answer.status, byteCount: answer.body.readableBytes, text: text), at: .now())
        proceed()
      }
    } catch {
      end(.failure(error))
    }
  }

  private func proceed() {
    guard let context, let step = loop?.next(0, at: .now()) else { return }
    switch step {
    case .call(let call): send(call, context)
    case .wait(let due):
      let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
      context.eventLoop.scheduleTask(deadline: due) { handler.value.proceed() }
    case .end: end(.success(loop?.result ?? LoadResult()))
    }
  }

  private func send(_ call: LoadCall, _ context: ChannelHandlerContext) {
    let head = target.head(path: call.path, bodyCount: call.body.count)
    var buffer = context.channel.allocator.buffer(capacity: head.utf8.count + call.body.count)
    buffer.writeString(head)
    buffer.writeBytes(call.body)
    context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
  }

  private func end(_ result: Result<LoadResult, any Error>) {
    guard let context else { return }
    self.context = nil
    promises.end(result)
    context.close(promise: nil)
  }
}

@available(*, unavailable)
extension LoadHandler: Sendable {}

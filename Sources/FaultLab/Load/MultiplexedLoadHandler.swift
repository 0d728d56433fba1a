import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOTLS

/// Several calls at a time, each in a stream of HTTP/2. Frames, without a channel for each stream: what the client costs is taken from the
/// server's processors.
final class MultiplexedLoadHandler: LoadConnection {
  typealias InboundIn = HTTP2Frame
  typealias OutboundOut = HTTP2Frame

  /// A call that is not answered yet.
  private struct Stream {
    let lane: Int
    var status = 0
    var byteCount = 0
    var text = ""
  }

  /// RFC 9113, 6.9.1: what a window can have at most is 2^31 - 1. No answer has to wait for this client.
  private static let windowBytes = 1 << 30

  private let target: LoadTarget
  private let promises: LoadPromises
  private var loop: CallLoop?
  private var lanesLeft = 0
  private var streams: [HTTP2StreamID: Stream] = [:]
  /// Clients' streams have odd numbers.
  private var nextStream = HTTP2StreamID(1)
  private var unacknowledgedBytes = 0
  private var context: ChannelHandlerContext?

  init(_ target: LoadTarget, _ promises: LoadPromises) {
    self.target = target
    self.promises = promises
  }

  static func connection() -> NIOHTTP2Handler {
    NIOHTTP2Handler(
      mode: .client,
      initialSettings: [
        HTTP2Setting(parameter: .enablePush, value: 0), HTTP2Setting(parameter: .initialWindowSize, value: windowBytes),
      ])
  }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }
  func handlerRemoved(context: ChannelHandlerContext) { end(.failure(ChannelError.eof)) }
  func errorCaught(context: ChannelHandlerContext, error: any Error) { end(.failure(error)) }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .handshakeCompleted? = event as? TLSUserEvent { promises.ready.succeed() }
    context.fireUserInboundEventTriggered(event)
  }

  func begin(_ loop: CallLoop) {
    guard let context else { return }
    self.loop = loop
    lanesLeft = loop.laneCount
    grantWindow(Self.windowBytes, context)
    for lane in 0..<loop.laneCount { proceed(lane) }
    context.flush()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let frame = unwrapInboundIn(data)
    switch frame.payload {
    case .headers(let headers):
      if let status = headers.headers.first(name: ":status") { streams[frame.streamID]?.status = Int(status) ?? 0 }
      if headers.endStream { answered(frame.streamID) }
    case .data(let data):
      take(data, of: frame.streamID)
      if data.endStream { answered(frame.streamID) }
    case .rstStream(let code), .goAway(_, let code, _):
      end(.failure(NIOHTTP2Errors.streamClosed(streamID: frame.streamID, errorCode: code)))
    default: break
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    if unacknowledgedBytes > Self.windowBytes / 2 {
      grantWindow(unacknowledgedBytes, context)
      unacknowledgedBytes = 0
    }
    context.flush()
    context.fireChannelReadComplete()
  }

  private func take(_ data: HTTP2Frame.FramePayload.Data, of stream: HTTP2StreamID) {
    unacknowledgedBytes += data.data.readableBytes + (data.paddingBytes ?? 0)
    streams[stream]?.byteCount += data.data.readableBytes
    if streams[stream]?.status != 200, case .byteBuffer(let text) = data.data { streams[stream]?.text += String(buffer: text) }
  }

  private func answered(_ id: HTTP2StreamID) {
    guard let stream = streams.removeValue(forKey: id) else { return }
    let text = stream.status == 200 ? "too short" : stream.text
    loop?.answered(stream.lane, with: .init(status: stream.status, byteCount: stream.byteCount, text: text), at: .now())
    proceed(stream.lane)
  }

  /// What is written is flushed by the caller, once for all that came together.
  private func proceed(_ lane: Int) {
    guard let context, let step = loop?.next(lane, at: .now()) else { return }
    switch step {
    case .call(let call): send(call, of: lane, context)
    case .wait(let due):
      let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
      context.eventLoop.scheduleTask(deadline: due) {
        handler.value.proceed(lane)
        handler.value.context?.flush()
      }
    case .end:
      lanesLeft -= 1
      if lanesLeft == 0 { end(.success(loop?.result ?? LoadResult())) }
    }
  }

  private func send(_ call: LoadCall, of lane: Int, _ context: ChannelHandlerContext) {
    let id = nextStream
    nextStream = id.advanced(by: 2)
    streams[id] = Stream(lane: lane)
    let headers = HTTP2Frame.FramePayload.Headers(headers: target.headers(path: call.path, bodyCount: call.body.count))
    context.write(wrapOutboundOut(HTTP2Frame(streamID: id, payload: .headers(headers))), promise: nil)
    let body = HTTP2Frame.FramePayload.Data(data: .byteBuffer(ByteBuffer(bytes: call.body)), endStream: true)
    context.write(wrapOutboundOut(HTTP2Frame(streamID: id, payload: .data(body))), promise: nil)
  }

  private func grantWindow(_ bytes: Int, _ context: ChannelHandlerContext) {
    let frame = HTTP2Frame(streamID: .rootStream, payload: .windowUpdate(windowSizeIncrement: bytes))
    context.write(wrapOutboundOut(frame), promise: nil)
  }

  private func end(_ result: Result<LoadResult, any Error>) {
    guard let context else { return }
    self.context = nil
    promises.end(result)
    context.close(promise: nil)
  }
}

@available(*, unavailable)
extension MultiplexedLoadHandler: Sendable {}

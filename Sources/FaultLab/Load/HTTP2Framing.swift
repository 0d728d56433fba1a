import NIOCore
import NIOHPACK
import NIOHTTP2

/// Several calls at a time, each in a stream of HTTP/2. Frames, without a channel for each stream: what the client costs is taken from the
/// server's processors.
struct HTTP2Framing: LoadFraming {
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
  private var streams: [HTTP2StreamID: Stream] = [:]
  /// Clients' streams have odd numbers.
  private var nextStream = HTTP2StreamID(1)
  private var unacknowledgedBytes = 0

  init(_ target: LoadTarget) { self.target = target }

  /// What turns bytes into frames, and keeps to the protocol.
  static func handler() -> NIOHTTP2Handler {
    NIOHTTP2Handler(
      mode: .client,
      initialSettings: [
        HTTP2Setting(parameter: .enablePush, value: 0), HTTP2Setting(parameter: .initialWindowSize, value: windowBytes),
      ])
  }

  var opening: [HTTP2Frame] { [Self.window(Self.windowBytes)] }

  mutating func request(_ call: LoadCall, lane: Int) -> [HTTP2Frame] {
    let id = nextStream
    nextStream = id.advanced(by: 2)
    streams[id] = Stream(lane: lane)
    let headers = target.headers(path: call.path, bodyCount: call.body.count)
    return [
      HTTP2Frame(streamID: id, payload: .headers(.init(headers: headers))),
      HTTP2Frame(streamID: id, payload: .data(.init(data: .byteBuffer(ByteBuffer(bytes: call.body)), endStream: true))),
    ]
  }

  mutating func answers(in frame: HTTP2Frame) throws -> [LoadAnswer] {
    let isLast: Bool
    switch frame.payload {
    case .headers(let headers):
      if let status = headers.headers.first(name: ":status") { streams[frame.streamID]?.status = Int(status) ?? 0 }
      isLast = headers.endStream
    case .data(let data):
      take(data, of: frame.streamID)
      isLast = data.endStream
    case .rstStream(let code), .goAway(_, let code, _):
      throw NIOHTTP2Errors.streamClosed(streamID: frame.streamID, errorCode: code)
    default: return []
    }
    guard isLast, let stream = streams.removeValue(forKey: frame.streamID) else { return [] }
    return [LoadAnswer(lane: stream.lane, status: stream.status, byteCount: stream.byteCount, text: stream.text)]
  }

  mutating func acknowledgement() -> HTTP2Frame? {
    guard unacknowledgedBytes > Self.windowBytes / 2 else { return nil }
    defer { unacknowledgedBytes = 0 }
    return Self.window(unacknowledgedBytes)
  }

  private mutating func take(_ data: HTTP2Frame.FramePayload.Data, of stream: HTTP2StreamID) {
    unacknowledgedBytes += data.data.readableBytes + (data.paddingBytes ?? 0)
    streams[stream]?.byteCount += data.data.readableBytes
    if streams[stream]?.status != 200, case .byteBuffer(let text) = data.data { streams[stream]?.text += String(buffer: text) }
  }

  private static func window(_ bytes: Int) -> HTTP2Frame {
    HTTP2Frame(streamID: .rootStream, payload: .windowUpdate(windowSizeIncrement: bytes))
  }
}

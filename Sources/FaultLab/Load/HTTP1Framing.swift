import NIOCore

/// One call at a time, over HTTP/1.1.
struct HTTP1Framing: LoadFraming {
  private let target: LoadTarget
  private var reader = ResponseReader()

  init(_ target: LoadTarget) { self.target = target }

  var opening: [ByteBuffer] { [] }

  func request(_ call: LoadCall, lane: Int) -> [ByteBuffer] {
    let head = target.head(path: call.path, bodyCount: call.body.count)
    var buffer = ByteBufferAllocator().buffer(capacity: head.utf8.count + call.body.count)
    buffer.writeString(head)
    buffer.writeBytes(call.body)
    return [buffer]
  }

  mutating func answers(in part: ByteBuffer) throws -> [LoadAnswer] {
    var part = part
    reader.append(&part)
    var answers: [LoadAnswer] = []
    while let answer = try reader.next() {
      answers.append(
        LoadAnswer(lane: 0, status: answer.status, byteCount: answer.body.readableBytes, text: String(buffer: answer.body)))
    }
    return answers
  }

  func acknowledgement() -> ByteBuffer? { nil }
}

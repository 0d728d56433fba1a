import NIOCore

/// Reads HTTP/1.1 answers with a `Content-Length`, one after the other: all that a Connect server sends to unary calls. Lean, because
/// what the client costs is taken from the server's processors.
struct ResponseReader {
  struct Answer {
    let status: Int
    let body: ByteBuffer
  }

  struct Malformed: Error {}

  private var buffer = ByteBuffer()

  mutating func append(_ part: inout ByteBuffer) {
    if buffer.readableBytes == 0 { buffer = part } else { buffer.writeBuffer(&part) }
  }

  /// - Returns: `nil` until a whole answer is there.
  mutating func next() throws(Malformed) -> Answer? {
    let head = try buffer.withUnsafeReadableBytes { bytes throws(Malformed) -> (status: Int, length: Int, bodyAt: Int)? in
      guard let end = Self.endOfHead(bytes) else {
        guard bytes.count < 65_536 else { throw Malformed() }
        return nil
      }
      let text = String(decoding: bytes[..<end], as: UTF8.self)
      let lines = text.split(separator: "\r\n")
      let words = lines.first?.split(separator: " ") ?? []
      guard words.count > 1, let status = Int(words[1]), let length = Self.contentLength(lines) else { throw Malformed() }
      return (status, length, end + 4)
    }
    guard let head, buffer.readableBytes >= head.bodyAt + head.length else { return nil }
    buffer.moveReaderIndex(forwardBy: head.bodyAt)
    let body = buffer.readSlice(length: head.length) ?? ByteBuffer()
    return Answer(status: head.status, body: body)
  }

  private static func endOfHead(_ bytes: UnsafeRawBufferPointer) -> Int? {
    guard bytes.count >= 4 else { return nil }
    for index in 0..<(bytes.count - 3) where bytes[index] == 0x0d {
      if bytes[index + 1] == 0x0a, bytes[index + 2] == 0x0d, bytes[index + 3] == 0x0a { return index }
    }
    return nil
  }

  private static func contentLength(_ lines: [Substring]) -> Int? {
    for line in lines.dropFirst()
    where line.utf8.count > 15 && line.utf8.prefix(15).elementsEqual("content-length:".utf8, by: same) {
      return Int(line.dropFirst(15).trimmingPrefix { $0 == " " })
    }
    return nil
  }

  private static func same(_ left: UInt8, _ right: UInt8) -> Bool { left | 0x20 == right | 0x20 }
}

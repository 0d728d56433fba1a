import NIOCore

/// PostgreSQL's frontend/backend protocol (version 3.0, "Message Formats"), cut into messages: a type byte, then a length that counts
/// itself and the body. Read as it passes by; what cannot be such a message ends the reading, never the traffic.
struct PostgresMessages {
  struct Message {
    let type: UInt8
    var body: ByteBuffer
  }

  /// What a client sends first has no type: these codes stand behind the length (`SSLRequest`, `GSSENCRequest`).
  private static let negotiations: Set<Int32> = [80_877_103, 80_877_104]

  private var buffer = ByteBuffer()
  private var isStarted: Bool

  /// - Parameter startsWithoutType: whether this is what a client sends.
  init(startsWithoutType: Bool) { isStarted = !startsWithoutType }

  mutating func append(_ bytes: ByteBuffer) { buffer.writeImmutableBuffer(bytes) }

  /// - Returns: `nil` until a whole message is there.
  mutating func next() -> Message? {
    while !isStarted {
      guard let length: Int32 = buffer.getInteger(at: buffer.readerIndex), length >= 8,
        var first = take(Int(length))
      else { return nil }
      first.moveReaderIndex(forwardBy: 4)
      isStarted = first.readInteger().map { !Self.negotiations.contains($0) } ?? true
    }
    guard let type: UInt8 = buffer.getInteger(at: buffer.readerIndex),
      let length: Int32 = buffer.getInteger(at: buffer.readerIndex + 1), length >= 4,
      var whole = take(Int(length) + 1)
    else { return nil }
    whole.moveReaderIndex(forwardBy: 5)
    return Message(type: type, body: whole)
  }

  private mutating func take(_ count: Int) -> ByteBuffer? {
    guard let slice = buffer.readSlice(length: count) else { return nil }
    buffer.discardReadBytes()
    return slice
  }
}

extension PostgresMessages.Message {
  /// The body's first strings, each up to its NUL.
  mutating func readStrings(_ count: Int) -> [String] {
    (0..<count).compactMap { _ in body.readNullTerminatedString() }
  }
}

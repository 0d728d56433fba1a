import CZlib

/// Content coding `gzip` (RFC 1952), with a bound on what is inflated.
enum Gzip {
  enum Failure: Error, Equatable {
    /// The content is larger than the limit; at most one byte beyond it was inflated.
    case tooLarge
    /// The bytes are not gzip, or end too early.
    case malformed
  }

  private static let chunkBytes = 64 * 1024

  /// - Parameter contentBytesMax: the most bytes of content to inflate.
  static func inflate(_ compressed: [UInt8], contentBytesMax: Int) throws(Failure) -> [UInt8] {
    guard let stream = ZlibStream(.inflate) else { throw .malformed }
    var content: [UInt8] = []
    var consumed = 0
    while true {
      var chunk = [UInt8](repeating: 0, count: min(chunkBytes, contentBytesMax - content.count + 1))
      let step = stream.run(input: compressed, from: consumed, output: &chunk)
      consumed += step.consumed
      content += chunk[..<step.written]
      guard content.count <= contentBytesMax else { throw .tooLarge }
      switch step.status {
      case Z_STREAM_END where consumed == compressed.count:
        return content
      case Z_STREAM_END:
        // RFC 1952, section 2.2: members may follow each other.
        stream.reset()
      case Z_OK where step.consumed > 0 || step.written > 0:
        continue
      default:
        throw .malformed
      }
    }
  }

  /// - Returns: `nil` where compression gains nothing.
  static func deflate(_ content: [UInt8]) -> [UInt8]? {
    guard let stream = ZlibStream(.deflate) else { return nil }
    var compressed: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: chunkBytes)
    var consumed = 0
    while true {
      let step = stream.run(input: content, from: consumed, output: &chunk)
      consumed += step.consumed
      compressed += chunk[..<step.written]
      guard compressed.count < content.count else { return nil }
      if step.status == Z_STREAM_END { return compressed }
      guard step.status == Z_OK else { return nil }
    }
  }
}

/// A `z_stream` at an address of its own: zlib refuses one that has moved.
private struct ZlibStream: ~Copyable {
  enum Direction { case deflate, inflate }

  /// `15` is the largest window; `16` asks zlib for gzip's framing.
  private static let windowBits: Int32 = 15 + 16
  private let stream: UnsafeMutablePointer<z_stream>
  private let direction: Direction

  init?(_ direction: Direction) {
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let status =
      switch direction {
      case .deflate: domicile_deflate_init(stream, Z_BEST_SPEED, Self.windowBits)
      case .inflate: domicile_inflate_init(stream, Self.windowBits)
      }
    guard status == Z_OK else {
      stream.deallocate()
      return nil
    }
    self.stream = stream
    self.direction = direction
  }

  deinit {
    switch direction {
    case .deflate: _ = deflateEnd(stream)
    case .inflate: _ = inflateEnd(stream)
    }
    stream.deallocate()
  }

  func reset() {
    switch direction {
    case .deflate: _ = deflateReset(stream)
    case .inflate: _ = inflateReset(stream)
    }
  }

  func run(input: [UInt8], from offset: Int, output: inout [UInt8]) -> (status: Int32, consumed: Int, written: Int) {
    input.withUnsafeBufferPointer { input in
      output.withUnsafeMutableBufferPointer { output in
        // zlib declares the pointer mutable, but only reads through it.
        stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)?.advanced(by: offset)
        stream.pointee.avail_in = UInt32(input.count - offset)
        stream.pointee.next_out = output.baseAddress
        stream.pointee.avail_out = UInt32(output.count)
        let status =
          switch direction {
          case .deflate: deflate(stream, Z_FINISH)
          case .inflate: inflate(stream, Z_NO_FLUSH)
          }
        return (status, input.count - offset - Int(stream.pointee.avail_in), output.count - Int(stream.pointee.avail_out))
      }
    }
  }
}

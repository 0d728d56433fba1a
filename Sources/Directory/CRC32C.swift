/// CRC-32C (Castagnoli; RFC 3720, appendix B.4): finds damage in transit that is nobody's intent.
struct CRC32C {
  private var state: UInt32 = .max

  mutating func update(_ bytes: some Sequence<UInt8>) {
    var state = state
    for byte in bytes { state = Self.table[Int(UInt8(truncatingIfNeeded: state) ^ byte)] ^ (state >> 8) }
    self.state = state
  }

  var value: UInt32 { ~state }

  private static let table: [UInt32] = (0..<256).map { (index: UInt32) in
    (0..<8).reduce(index) { remainder, _ in remainder & 1 == 1 ? 0x82f6_3b78 ^ (remainder >> 1) : remainder >> 1 }
  }
}

import Foundation

@testable import ConnectRPC

/// `count` zero bytes, compressed about a thousandfold.
func gzippedZeros(_ count: Int) throws -> [UInt8] {
  try gzipped(Array(repeating: 0, count: count))
}

func gzipped(_ content: [UInt8]) throws -> [UInt8] {
  guard let compressed = Gzip.deflate(content) else { throw NothingGained() }
  return compressed
}

struct NothingGained: Error {}

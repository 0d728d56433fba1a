package import Directory
package import Residency

/// 32 bytes that depend on every input byte and its place; fast, and collides only on purpose. Real chains use SHA-256.
package let simulatedDigest: Digest = { input in
  var lanes: [UInt64] = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344, 0xa409_3822_299f_31d0, 0x082e_fa98_ec4e_6c89]
  var word: UInt64 = UInt64(input.count)
  func mix(_ word: UInt64) {
    lanes[0] = (lanes[0] ^ word) &* 0x9e37_79b9_7f4a_7c15
    lanes[1] = (lanes[1] &+ (lanes[0] >> 29)) &* 0xbf58_476d_1ce4_e5b9
    lanes[2] ^= (lanes[1] << 17) &+ lanes[0]
    lanes[3] = (lanes[3] &+ lanes[2]) ^ (lanes[1] >> 31)
  }
  for (index, byte) in input.enumerated() {
    word = word << 8 | UInt64(byte)
    if index & 7 == 7 { mix(word) }
  }
  for _ in 0..<3 { mix(word) }
  return lanes.flatMap { lane in (0..<8).map { UInt8(truncatingIfNeeded: lane >> ($0 * 8)) } }
}

/// A number that is no region's, or no subject's.
struct NumberOutOfRange: Error { let number: Int }

extension RegionOrdinal {
  static func numbered(_ number: Int) throws -> RegionOrdinal {
    guard let region = RegionOrdinal(number) else { throw NumberOutOfRange(number: number) }
    return region
  }
}

extension DocumentID {
  static func numbered(_ number: Int) -> DocumentID { DocumentID(collection: CollectionName("global"), key: String(number)) }
}

extension SubjectTag {
  static func numbered(_ number: Int) throws -> SubjectTag {
    var bytes = [UInt8](repeating: 0, count: byteCount)
    bytes[15] = UInt8(truncatingIfNeeded: number)
    bytes[14] = UInt8(truncatingIfNeeded: number >> 8)
    guard let tag = SubjectTag(bytes) else { throw NumberOutOfRange(number: number) }
    return tag
  }
}

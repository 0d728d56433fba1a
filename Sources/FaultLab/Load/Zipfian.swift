import Glibc

/// Numbers from 0 up to a bound, few of them often: the request distribution of the YCSB benchmark (Cooper et al., 2010), by the
/// method of Gray et al., "Quickly generating billion-record synthetic databases" (1994). Popular numbers are spread over the range.
package struct Zipfian: Sendable {
  private let bound: Int
  private let theta = 0.99
  private let zeta: Double
  private let alpha: Double
  private let eta: Double
  private let zetaOfTwo: Double

  /// - Parameter bound: at least 1. Takes time in proportion to it: make one and copy it.
  package init(below bound: Int) {
    self.bound = max(1, bound)
    var sum = 0.0
    for rank in 1...self.bound { sum += 1 / pow(Double(rank), theta) }
    zeta = sum
    zetaOfTwo = 1 + 1 / pow(2, theta)
    alpha = 1 / (1 - theta)
    eta = (1 - pow(2 / Double(self.bound), 1 - theta)) / (1 - zetaOfTwo / sum)
  }

  package func next(using generator: inout some RandomNumberGenerator) -> Int { Self.scatter(rank(using: &generator)) % bound }

  /// 0 is the most frequent.
  func rank(using generator: inout some RandomNumberGenerator) -> Int {
    let uniform = Double.random(in: 0..<1, using: &generator)
    let scaled = uniform * zeta
    if scaled < 1 { return 0 }
    if scaled < zetaOfTwo { return min(1, bound - 1) }
    return min(bound - 1, Int(Double(bound) * pow(eta * uniform - eta + 1, alpha)))
  }

  /// FNV-1a over the number's bytes, without its sign.
  private static func scatter(_ rank: Int) -> Int {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    var rest = UInt64(rank)
    for _ in 0..<8 {
      hash = (hash ^ (rest & 0xff)) &* 0x100_0000_01b3
      rest >>= 8
    }
    return Int(hash >> 1)
  }
}

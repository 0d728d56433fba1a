/// Which bit stands for which rule. Rules of one kind share no word with those of another, and stand in order of their ids, so that
/// the first bit of a kind is the first rule by id.
struct RuleLayout: Sendable {
  /// In order of id.
  let rules: [Rule]
  let wordCount: Int
  /// The words of each kind's bits.
  let forbids: Range<Int>
  let requires: Range<Int>
  let permits: Range<Int>
  /// By rule, as in `rules`.
  let bits: [Int]
  /// By bit: the rule's place in `rules`; -1 where no rule has the bit.
  private let places: [Int32]

  /// - Parameter rules: in order of id.
  init(_ rules: [Rule]) {
    self.rules = rules
    var bits = [Int](repeating: 0, count: rules.count)
    var places: [Int32] = []
    func lay(_ kind: RuleKind) -> Range<Int> {
      let start = places.count / 64
      for (place, rule) in rules.enumerated() where rule.kind == kind {
        bits[place] = places.count
        places.append(Int32(place))
      }
      while !places.count.isMultiple(of: 64) { places.append(-1) }
      return start..<(places.count / 64)
    }
    forbids = lay(.forbid)
    requires = lay(.require)
    permits = lay(.permit)
    wordCount = places.count / 64
    self.bits = bits
    self.places = places
  }

  func isPermit(_ bit: Int) -> Bool { bit / 64 >= permits.lowerBound }

  /// - Returns: `nil` where no rule has the bit.
  func place(ofBit bit: Int) -> Int? {
    guard places.indices.contains(bit), places[bit] >= 0 else { return nil }
    return Int(places[bit])
  }
}

/// Which rules apply in one situation: a bit for each, as the ``RuleLayout`` has it.
struct RuleBits: Hashable, Sendable {
  var words: [UInt64]

  init(count: Int) { words = [UInt64](repeating: 0, count: count) }

  /// A number that different sets seldom share.
  var digest: UInt64 {
    var digest: UInt64 = 0
    for word in words { digest = (digest ^ word) &* 0x9e37_79b9_7f4a_7c15 ^ (digest >> 29) }
    return digest
  }

  func contains(_ bit: Int) -> Bool { words[bit / 64] & (1 << UInt64(bit % 64)) != 0 }
  mutating func insert(_ bit: Int) { words[bit / 64] |= 1 << UInt64(bit % 64) }

  mutating func remove(_ bit: Int) { words[bit / 64] &= ~(1 << UInt64(bit % 64)) }

  /// - Parameter other: of the same layout.
  func intersection(_ other: RuleBits) -> RuleBits {
    var both = self
    for word in both.words.indices { both.words[word] &= other.words[word] }
    return both
  }

  /// The lowest bit that is set in these words.
  func first(in range: Range<Int>) -> Int? {
    for word in range where words[word] != 0 { return word * 64 + words[word].trailingZeroBitCount }
    return nil
  }

  func isEmpty(in range: Range<Int>) -> Bool { first(in: range) == nil }

  /// In order.
  func forEach(in range: Range<Int>, _ body: (Int) -> Void) {
    for word in range {
      var rest = words[word]
      while rest != 0 {
        body(word * 64 + rest.trailingZeroBitCount)
        rest &= rest - 1
      }
    }
  }

  func count(in range: Range<Int>) -> Int { range.reduce(0) { $0 + words[$1].nonzeroBitCount } }
}

/// A set of small numbers that grows from below: which operations have been placed.
///
/// A search keeps very many of them, and nearly all numbers below the highest are in. Leading words of 64 that are full are only
/// counted, so that a set's size is that of its ragged end. Equal sets have equal forms.
struct OperationSet: Hashable, Sendable {
  private var fullWordCount = 0
  /// What follows the full words: the first is not full, the last is not empty.
  private var words: [UInt64] = []

  func contains(_ number: Int) -> Bool {
    let word = number >> 6 - fullWordCount
    if word < 0 { return true }
    return word < words.count && words[word] & (1 << UInt64(number & 63)) != 0
  }

  mutating func insert(_ number: Int) {
    let word = number >> 6 - fullWordCount
    guard word >= 0 else { return }
    while words.count <= word { words.append(0) }
    words[word] |= 1 << UInt64(number & 63)
    let full = words.prefix { $0 == .max }.count
    guard full > 0 else { return }
    words.removeFirst(full)
    fullWordCount += full
  }

  func isSubset(of other: OperationSet) -> Bool {
    // A set's first word after its full ones is not full: the other cannot have fewer full words.
    guard fullWordCount <= other.fullWordCount else { return false }
    for (place, word) in words.enumerated() {
      let otherPlace = place + fullWordCount - other.fullWordCount
      if otherPlace < 0 { continue }
      guard otherPlace < other.words.count, word & ~other.words[otherPlace] == 0 else { return false }
    }
    return true
  }
}

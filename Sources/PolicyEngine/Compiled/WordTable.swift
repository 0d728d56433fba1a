/// A closed list of words, each with its number: asked for every decision.
///
/// Open addressing with FNV-1a (IETF draft-eastlake-fnv): the words are the policy's own, few and short, so that a stranger's word can at
/// worst walk past a few of them.
struct WordTable: Sendable {
  private var slots: [(word: String, number: Int)?]
  private let mask: Int

  init(_ words: [String: Int]) {
    var size = 8
    while size < words.count * 3 { size *= 2 }
    mask = size - 1
    slots = Array(repeating: nil, count: size)
    for (word, number) in words {
      var slot = Self.hash(word) & mask
      while slots[slot] != nil { slot = (slot + 1) & mask }
      slots[slot] = (word, number)
    }
  }

  /// - Returns: `nil` for a word that is not in the list.
  func number(of word: String) -> Int? {
    var slot = Self.hash(word) & mask
    while let found = slots[slot] {
      if found.word == word { return found.number }
      slot = (slot + 1) & mask
    }
    return nil
  }

  private static func hash(_ word: String) -> Int {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in word.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return Int(truncatingIfNeeded: hash ^ (hash >> 32))
  }
}

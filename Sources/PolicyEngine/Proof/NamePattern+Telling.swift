extension NamePattern {
  /// Names such that of any name whatever there is one here that the same patterns match.
  ///
  /// The patterns are run side by side over all names, letter by letter, as automata: from each combination of their states on, all
  /// letters that the patterns do not have are one.
  ///
  /// - Returns: `nil` where there are too many combinations: nobody could review them either, and such patterns do not load.
  static func names(tellingApart patterns: [NamePattern]) -> [String]? {
    let patterns = Set(patterns.map(\.text)).sorted().map { NamePattern(text: $0) }
    var told: Set<[Bool]> = []
    var names: [String] = []
    func offer(_ name: String) {
      if !name.isEmpty, told.insert(patterns.map { $0.matches(name) }).inserted { names.append(name) }
    }
    // What people would think of first.
    offer("somebody")
    for pattern in patterns { offer(pattern.text.replacing("*", with: "x")) }
    guard let others = Automata(patterns).names(max: statesMax) else { return nil }
    for name in others { offer(name) }
    return names
  }

  private static let statesMax = 16_384
}

/// Patterns run side by side.
private struct Automata {
  private let patterns: [[UInt8]]
  private let letters: [UInt8]

  /// For each pattern the places in it that a name may have come to.
  private typealias State = [Set<Int>]
  private static let star = UInt8(ascii: "*")

  init(_ patterns: [NamePattern]) {
    self.patterns = patterns.map { Array($0.text.utf8) }
    let own = Set(self.patterns.joined()).subtracting([Self.star])
    // Only letters that can begin and end a character by themselves: names stay text.
    let others =
      (UInt8(ascii: "a")...UInt8(ascii: "z")).filter { !own.contains($0) }
      + (UInt8(ascii: "!")...UInt8(ascii: "~")).filter { !own.contains($0) && $0 != Self.star }
    letters = own.sorted() + others.prefix(1)
  }

  /// The shortest name for every combination of states; `nil` where there are more than `max`.
  func names(max: Int) -> [String]? {
    let start = patterns.map { closure([0], in: $0) }
    var seen: Set<State> = [start]
    var found: [(state: State, name: [UInt8])] = [(start, [])]
    var next = 0
    while next < found.count {
      guard found.count <= max else { return nil }
      let (state, name) = found[next]
      next += 1
      for letter in letters {
        let step = zip(patterns, state).map { pattern, places in advance(places, by: letter, in: pattern) }
        if seen.insert(step).inserted { found.append((step, name + [letter])) }
      }
    }
    return found.compactMap { String(validating: $0.name, as: UTF8.self) }
  }

  private func advance(_ places: Set<Int>, by letter: UInt8, in pattern: [UInt8]) -> Set<Int> {
    var reached: Set<Int> = []
    for place in places where place < pattern.count {
      if pattern[place] == Self.star { reached.insert(place) } else if pattern[place] == letter { reached.insert(place + 1) }
    }
    return closure(reached, in: pattern)
  }

  /// A star may stand for nothing.
  private func closure(_ places: Set<Int>, in pattern: [UInt8]) -> Set<Int> {
    var closed = places
    for place in places.sorted() {
      var place = place
      while place < pattern.count, pattern[place] == Self.star {
        place += 1
        closed.insert(place)
      }
    }
    return closed
  }
}

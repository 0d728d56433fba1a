import Residency

/// The rules of a set on the days of one epoch, as bit vectors: for each value of each dimension, which rules it leaves open. A
/// conjunction of a few rows says which rules apply, however many there are.
///
/// A row has four planes, each with a bit for every rule:
/// - `when`: the rule's conditions on this dimension let it apply: a permit's certainly hold, a forbid's or requirement's may hold.
/// - `unless`: its exceptions on this dimension let it apply: of a permit one certainly fails, of the others one may fail.
/// - the same two the other way round, which tell a certain forbid from a possible one, and a possible permit from none.
///
/// A rule applies where every row has its `when` bit, and some row its `unless` bit or the rule has no exceptions. That is Kleene's
/// logic, clause by clause (``Truth``): which is why rows can be made for each dimension alone and joined.
final class RuleTable: Sendable {
  /// What tells one cell of a request from another.
  struct Cell: Hashable, Sendable {
    let collection: CollectionName?
    let dataClass: DataClass?
  }

  /// Everything that rows are found by, as numbers.
  struct Facts: Hashable, Sendable {
    var action: Int
    /// Row of the pair of places.
    var pair: Int
    /// Row of the cell and the purpose.
    var matter: Int
    /// Row of the consent.
    var consent: Int
  }

  /// A condition that no table has rows for: it is asked in each situation anew.
  struct Rare: Sendable {
    let bit: Int
    let rule: Rule
    let condition: Condition
    let isException: Bool
  }

  let layout: RuleLayout
  let atoms: JurisdictionAtoms
  let cells: [Cell: Int]
  let purposes: [Purpose: Int]
  /// By action.
  let rare: [[Rare]]
  private let words: [UInt64]
  private let rows: Rows
  private let nearRows: [Int32]

  /// Where rows of a kind begin.
  struct Rows: Sendable {
    var actions = 0
    var pairs = 0
    var near = 0
    var matters = 0
    var consents = 0
    /// The rules without exceptions.
    var plain = 0
  }

  init(_ builder: RuleTableBuilder) {
    layout = builder.layout
    atoms = builder.atoms
    cells = builder.cells
    purposes = builder.purposes
    rare = builder.rare
    words = builder.words
    rows = builder.rows
    nearRows = builder.nearRows
  }

  var wordCount: Int { layout.wordCount }
}

extension RuleTable {
  static func index(of action: Action) -> Int {
    switch action {
    case .read: 0
    case .write: 1
    case .store: 2
    case .replicate: 3
    case .move: 4
    case .export: 5
    }
  }

  /// Of a consent that is not known: 3.
  static func index(of consent: Fact<ConsentKind?>) -> Int {
    switch consent {
    case .known(nil): 0
    case .known(.implied): 1
    case .known(.explicit): 2
    case .unknown: 3
    }
  }

  /// - Returns: `nil` for two places that cannot be so near to one another.
  func pair(home: Int, hop: Int, _ nearness: Nearness) -> Int? {
    let pair = home * atoms.count + hop
    guard nearness != .apart else { return rows.pairs + pair }
    guard nearRows[pair] >= 0 else { return nil }
    return rows.near + Int(nearRows[pair]) + nearness.rawValue - 1
  }

  func pair(home: Place, hop: Place) -> Int? {
    pair(home: atoms.atom(of: home.jurisdiction), hop: atoms.atom(of: hop.jurisdiction), Nearness(of: hop, to: home))
  }

  /// - Parameter purpose: `nil` where it is not known.
  func matter(_ cell: Cell, _ purpose: Purpose?) -> Int? {
    guard let row = cells[cell] else { return nil }
    guard let purpose else { return matter(row, purposes.count) }
    return purposes[purpose].map { matter(row, $0) }
  }

  /// By numbers; of a purpose that is not known, how many there are.
  func matter(_ cell: Int, _ purpose: Int) -> Int { rows.matters + cell * (purposes.count + 1) + purpose }

  func consent(_ index: Int) -> Int { rows.consents + index }

  /// Which rules apply: a permit that certainly does, a forbid or requirement that may.
  /// - Parameter rare: the row of what is asked in each situation anew; `nil` where no rule asks.
  func apply(_ facts: Facts, rare: [UInt64]?, into bits: inout RuleBits) { join(facts, rare: rare, plane: 0, into: &bits) }

  /// The other way round: a permit that may apply, a forbid or requirement that certainly does.
  func applyOtherwise(_ facts: Facts, rare: [UInt64]?, into bits: inout RuleBits) {
    join(facts, rare: rare, plane: 2, into: &bits)
  }

  @inline(__always)
  private func join(_ facts: Facts, rare: [UInt64]?, plane: Int, into bits: inout RuleBits) {
    let count = layout.wordCount
    guard bits.words.count == count else { return }
    words.withUnsafeBufferPointer { words in
      bits.words.withUnsafeMutableBufferPointer { bits in
        let action = rows.actions + facts.action * count
        let pair = (facts.pair * 4 + plane) * count
        let matter = (facts.matter * 4 + plane) * count
        let consent = (facts.consent * 4 + plane) * count
        for word in 0..<count {
          let open = words[action + word] & words[pair + word] & words[matter + word] & words[consent + word]
          let excused =
            words[rows.plain + word] | words[pair + count + word] | words[matter + count + word] | words[consent + count + word]
          bits[word] = open & excused
        }
        if let rare {
          for word in 0..<count {
            let open = words[action + word] & words[pair + word] & words[matter + word] & words[consent + word]
            let excused =
              words[rows.plain + word] | words[pair + count + word] | words[matter + count + word]
              | words[consent + count + word] | rare[(plane + 1) * count + word]
            bits[word] = open & excused & rare[plane * count + word]
          }
        }
      }
    }
  }

  /// The row of the conditions that only the situation itself can answer; `nil` where no rule that may matter has any.
  func rareRow(_ situation: Situation, action: Int) -> [UInt64]? {
    guard !rare[action].isEmpty else { return nil }
    var row = RowBuilder(wordCount: wordCount)
    for entry in rare[action] {
      let truth = situation.truth(of: entry.condition, in: entry.rule)
      row.add(truth, bit: entry.bit, isPermit: layout.isPermit(entry.bit), isException: entry.isException)
    }
    return row.words
  }
}

/// One row in the making.
struct RowBuilder {
  var words: [UInt64]
  private let wordCount: Int

  /// A row that says nothing: every condition holds, and no exception fails.
  init(wordCount: Int) {
    self.wordCount = wordCount
    words = [UInt64](repeating: 0, count: 4 * wordCount)
    for plane in [0, 2] {
      for word in 0..<wordCount { words[plane * wordCount + word] = .max }
    }
  }

  /// - Parameter truth: of the condition, or of the exception's clause.
  mutating func add(_ truth: Truth, bit: Int, isPermit: Bool, isException: Bool) {
    let (certain, possible) = isException ? (truth == .no, truth != .yes) : (truth == .yes, truth != .no)
    set(isPermit ? certain : possible, plane: isException ? 1 : 0, bit)
    set(isPermit ? possible : certain, plane: isException ? 3 : 2, bit)
  }

  private mutating func set(_ value: Bool, plane: Int, _ bit: Int) {
    let word = plane * wordCount + bit / 64
    let mask: UInt64 = 1 << UInt64(bit % 64)
    // Conditions of one rule on one row all have to hold; of its exceptions one has to fail.
    if plane.isMultiple(of: 2) {
      if !value { words[word] &= ~mask }
    } else if value {
      words[word] |= mask
    }
  }
}

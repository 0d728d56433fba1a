package import Residency

/// Data of one class in one calendar year, in UTC.
package struct ClassInYear: Hashable, Sendable {
  package let dataClass: DataClass
  package let year: Int

  package init(_ dataClass: DataClass, in year: Int) {
    self.dataClass = dataClass
    self.year = year
  }
}

/// Data of people that leaves the jurisdiction of their home: each person counts once a class and year.
package struct Transfer: Hashable, Sendable {
  package let tag: SubjectTag
  package let what: ClassInYear
  /// The numbers of people at which a policy begins to say something else, whatever the class.
  package let limits: Set<Int>

  package init(of tag: SubjectTag, _ what: ClassInYear, limits: Set<Int>) {
    self.tag = tag
    self.what = what
    self.limits = limits
  }
}

/// Of how many people data has left, as a batch has read it, and as its operations then add to it one after the other.
package struct TransferFacts: Sendable {
  private(set) var people: [ClassInYear: Int] = [:]
  private(set) var counted: [ClassInYear: Set<SubjectTag>] = [:]

  package init() {}

  /// How many people there would be if the person's data left now, too. One who is counted already changes nothing.
  package func people(_ what: ClassInYear, with tag: SubjectTag) -> Int {
    (people[what] ?? 0) + (isCounted(tag, in: what) ? 0 : 1)
  }

  func isCounted(_ tag: SubjectTag, in what: ClassInYear) -> Bool { counted[what]?.contains(tag) ?? false }

  /// Counts what an operation of the batch lets go, for those that decide after it.
  package mutating func count(_ transfers: some Sequence<Transfer>) {
    for transfer in transfers where counted[transfer.what, default: []].insert(transfer.tag).inserted {
      people[transfer.what, default: 0] += 1
    }
  }

  mutating func note(_ number: Int, of what: ClassInYear) { people[what] = number }

  mutating func noteCounted(_ tag: SubjectTag, in what: ClassInYear) { counted[what, default: []].insert(tag) }
}

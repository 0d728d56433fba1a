/// Numbers of requests, as ranges: nearly all that a coordinator gives stand side by side.
package struct NumberRanges: Hashable, Sendable, CustomStringConvertible {
  private var numbers = RangeSet<UInt64>()

  package init() {}
  package init(_ range: ClosedRange<UInt64>) { insert(range) }
  package init(_ list: some Sequence<UInt64>) { for number in list { insert(number) } }

  package var isEmpty: Bool { numbers.isEmpty }
  package var rangeCount: Int { numbers.ranges.count }
  package var count: UInt64 { numbers.ranges.reduce(0) { $0 + ($1.upperBound - $1.lowerBound) } }
  package var last: UInt64? { numbers.ranges.last.map { $0.upperBound - 1 } }
  package var ranges: [ClosedRange<UInt64>] { numbers.ranges.map { $0.lowerBound...$0.upperBound - 1 } }

  package func contains(_ number: UInt64) -> Bool { numbers.contains(number) }

  /// The largest number, which no coordinator reaches, has no place.
  package mutating func insert(_ number: UInt64) { insert(number...number) }

  package mutating func insert(_ range: ClosedRange<UInt64>) {
    numbers.insert(contentsOf: range.lowerBound..<max(range.lowerBound, range.upperBound &+ 1))
  }

  package mutating func formUnion(_ other: NumberRanges) { numbers.formUnion(other.numbers) }
  package mutating func subtract(_ other: NumberRanges) { numbers.subtract(other.numbers) }
  package mutating func formIntersection(_ other: NumberRanges) { numbers.formIntersection(other.numbers) }

  /// `1-3,7`: in order, none next to another.
  package var description: String {
    ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ",")
  }

  /// - Returns: `nil` for another form than a ``description`` has.
  package init?(_ text: String) {
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { UInt64($0) }
      guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, first <= last, last < .max else {
        return nil
      }
      insert(first...last)
    }
    guard description == text else { return nil }
  }
}

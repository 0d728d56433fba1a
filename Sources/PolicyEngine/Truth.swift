/// Kleene's strong three-valued logic: what can be concluded when a fact is missing, and nothing more.
///
/// S. C. Kleene, "Introduction to Metamathematics" (1952), §64. With the order `no < unknown < yes`, *and* is the minimum and
/// *or* the maximum.
enum Truth: Int, Hashable, Sendable, Comparable, CaseIterable {
  case no, unknown, yes

  init(_ value: Bool) { self = value ? .yes : .no }

  static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
  static func && (left: Self, right: @autoclosure () -> Self) -> Self { left == .no ? .no : min(left, right()) }
  static func || (left: Self, right: @autoclosure () -> Self) -> Self { left == .yes ? .yes : max(left, right()) }
  static prefix func ! (value: Self) -> Self {
    switch value {
    case .yes: .no
    case .unknown: .unknown
    case .no: .yes
    }
  }
}

extension Sequence {
  /// Whether every element is so. Nothing says otherwise of no elements: `yes`.
  func all(_ truth: (Element) -> Truth) -> Truth {
    var result = Truth.yes
    for element in self where result != .no { result = result && truth(element) }
    return result
  }

  /// Whether some element is so. Of no elements: `no`.
  func some(_ truth: (Element) -> Truth) -> Truth {
    var result = Truth.no
    for element in self where result != .yes { result = result || truth(element) }
    return result
  }
}

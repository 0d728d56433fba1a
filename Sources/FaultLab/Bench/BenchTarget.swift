/// What a benchmark's figure has to reach.
package enum BenchTarget: Sendable {
  case atLeast(Double)
  case atMost(Double)

  func isMet(by figure: Double) -> Bool {
    switch self {
    case .atLeast(let least): figure >= least
    case .atMost(let most): figure <= most
    }
  }

  var text: String {
    switch self {
    case .atLeast(let least): "≥ \(GroupedNumber.text(Int(least)))"
    case .atMost(let most): "≤ \(GroupedNumber.text(Int(most)))"
    }
  }
}

/// Numbers for people.
enum GroupedNumber {
  /// `1,234,567`
  static func text(_ number: Int) -> String {
    var text = String(number)
    var index = text.count - 3
    while index > 0 {
      text.insert(",", at: text.index(text.startIndex, offsetBy: index))
      index -= 3
    }
    return text
  }
}

extension LinearizabilityVerdict: CustomStringConvertible {
  /// For an engineer: one line of summary, and why for each key that failed.
  package var description: String {
    let outcomes = HistoryOperation.Outcome.allCases.map { "\(count(of: $0)) \($0.rawValue)" }.joined(separator: ", ")
    let failed = failures
    let summary = failed.isEmpty ? "linearizable" : "NOT shown to be linearizable: \(failed.count) of \(keys.count) keys failed"
    return (["\(summary) (\(keys.count) keys; operations: \(outcomes))"] + failed.map(\.description)).joined(separator: "\n")
  }
}

extension KeyVerdict: CustomStringConvertible {
  package var description: String {
    switch answer {
    case .linearizable: "key \(key): linearizable"
    case .violation(let violation): "key \(key): not linearizable. \(violation)"
    case .undecided(.statesExceeded(let limit)):
      "key \(key): undecided. More than \(limit) configurations would have to be searched."
    }
  }
}

extension LinearizabilityViolation: CustomStringConvertible {
  private static let orderLinesMax = 10
  private static let writersMax = 4

  package var description: String {
    let placed = order.count { $0.outcome == .ok }
    var lines = ["Only \(placed) of \(acknowledgedCount) acknowledged operations can be put in an order:"]
    if order.count > Self.orderLinesMax { lines.append("  … \(order.count - Self.orderLinesMax) before these") }
    lines += order.suffix(Self.orderLinesMax).map { "  \($0)" }
    lines.append("Then the register holds \(RegisterAction.text(value)), and nothing can follow:")
    lines += blocked.map { "  \($0)" }
    return lines.joined(separator: "\n")
  }
}

extension LinearizabilityViolation.Blocked: CustomStringConvertible {
  package var description: String {
    let shown = writers.prefix(LinearizabilityViolation.writersMax).map(\.description)
    let more = writers.count > shown.count ? ["\(writers.count - shown.count) more"] : []
    let source =
      switch (writers.isEmpty, needs) {
      case (true, nil): "no operation removes it"
      case (true, _): "no operation sets it to that"
      case (false, _): "set by " + (shown + more).joined(separator: "; ")
      }
    return "\(operation): needs the register to be \(RegisterAction.text(needs)); \(source)"
  }
}

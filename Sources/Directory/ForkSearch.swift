package import Residency

/// Finds the last place at which two copies of a log agree, by comparing chains: equal chains mean equal histories up to there.
///
/// Each round asks for the peer's chains at up to ``probesMax`` places, so a million entries take four rounds.
package struct ForkSearch: Hashable, Sendable {
  package static let probesMax = 32

  package enum Progress: Hashable, Sendable {
    /// Compare here, ascending.
    case probe([UInt64])
    case found(UInt64)
    /// The copies part before the first place that both still hold: nobody can say any more where.
    case beyondMemory
    /// A copy was cut while it was compared: begin anew.
    case outdated
  }

  package let log: LogID
  private let start: UInt64
  /// The last place that both held when the search began.
  let end: UInt64
  /// Here they are known to agree; `nil` before that has been seen anywhere.
  private var agrees: UInt64?
  /// Here they are not.
  private var differs: UInt64
  private var isBeyondMemory = false
  private var isOutdated = false

  /// - Parameters:
  ///   - start: the first place at which both copies know their chain. At 0, where no log has an entry yet, all copies agree.
  ///   - end: the last place that both hold.
  package init(log: LogID, start: UInt64, end: UInt64) {
    self.log = log
    self.start = start
    self.end = end
    agrees = start == 0 ? 0 : nil
    isBeyondMemory = start > end
    differs = max(start, end) + 1
  }

  package var progress: Progress {
    guard !isBeyondMemory else { return .beyondMemory }
    guard !isOutdated else { return .outdated }
    guard let agrees else { return .probe([start]) }
    let width = differs - agrees - 1
    guard width > 0 else { return .found(agrees) }
    let count = min(width, UInt64(Self.probesMax))
    return .probe(Set((1...count).map { agrees + $0 * width / count }).sorted())
  }

  /// - Parameters:
  ///   - own: this region's chains at the probes, where it knows them.
  ///   - theirs: the peer's.
  package mutating func compare(own: [UInt64: ChainHash], theirs: [UInt64: ChainHash]) {
    guard case .probe(let probes) = progress else { return }
    for probe in probes.reversed() {
      guard let chain = own[probe], let other = theirs[probe] else {
        isOutdated = true
        return
      }
      if chain == other {
        agrees = max(agrees ?? 0, probe)
        break
      }
      differs = min(differs, probe)
    }
    if agrees == nil { isBeyondMemory = true }
  }
}

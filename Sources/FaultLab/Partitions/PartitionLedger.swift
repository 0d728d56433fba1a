import Directory
import Residency
import Synchronization

/// What a run has seen: all that regions acknowledged, and all that should not have been.
final class PartitionLedger: Sendable {
  struct Tally: Sendable {
    /// Registrations that a region acknowledged, with their homes.
    var registered: [String: RegionID] = [:]
    var lookUps = 0
    /// Calls that carried a session to another region, by what came of them.
    var sessionsServed = 0
    var sessionsStale = 0
    var sessionsUnanswered = 0
    var quorumConfirmed = 0
    var quorumUnconfirmed = 0
    var violations: [String] = []
  }

  private let state = Mutex(Tally())

  var tally: Tally { state.withLock { $0 } }

  func update(_ body: (inout Tally) -> Void) { state.withLock { body(&$0) } }

  /// The first of them are told in full.
  func violation(_ what: String) { state.withLock { $0.violations.append(what) } }

  func registered(_ subject: String, in region: RegionID) { state.withLock { $0.registered[subject] = region } }

  /// One that somebody was told of before; `nil` where there is none.
  func anybody(using random: inout SeededGenerator) -> (subject: String, home: RegionID)? {
    state.withLock { state in state.registered.randomElement(using: &random).map { ($0.key, $0.value) } }
  }
}

import Directory
import Residency
import Synchronization

/// What this region last heard of the others: for answers, metrics and pages. Nothing is decided by it.
package final class PeerContacts: Sendable {
  struct Contact: Sendable {
    var health = PeerHealth() {
      didSet { if (health.entriesBehind > 0) != (behindSince != nil) { behindSince = health.entriesBehind > 0 ? .now : nil } }
    }
    /// Since when entries are missing here that the peer has.
    private(set) var behindSince: ContinuousClock.Instant?
    var lastHeard: ContinuousClock.Instant?
    var policyRevision = ""
    var checkpointSize: UInt64 = 0
    /// What it said last that it holds.
    var holds: [LogPosition] = []
    var comparison: DirectoryComparison?
    /// Of its logs and snapshots, since this coordinator started.
    var receivedBytes = 0
    var receivedEntries = 0

    var isReachable: Bool {
      if case .reachable = health.link { true } else { false }
    }

    /// How long entries have been missing here that the peer has; `nil` where none are.
    var behind: Duration? { behindSince?.duration(to: .now) }
  }

  private let contacts = Mutex<[RegionOrdinal: Contact]>([:])

  package init() {}

  subscript(region: RegionOrdinal) -> Contact? { contacts.withLock { $0[region] } }

  func update(_ region: RegionOrdinal, _ change: (inout Contact) -> Void) {
    contacts.withLock { change(&$0[region, default: Contact()]) }
  }

  /// Milliseconds since the region last answered; `nil` for never.
  func age(of region: RegionOrdinal) -> UInt64? {
    self[region]?.lastHeard.map { UInt64(max(0, $0.duration(to: .now) / .milliseconds(1))) }
  }
}

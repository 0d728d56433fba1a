/// What is done to a region while clients write to it and read from it.
package enum Fault: String, Sendable, CaseIterable {
  /// PostgreSQL on the primary dies; Patroni hands over at once.
  case primaryKilled = "primary-killed"
  /// The primary's machine is lost, with its Patroni and etcd: another leads when its lease has run out.
  case primaryLost = "primary-lost"
  /// The other nodes do not reach the primary any more, while coordinators do.
  case primaryCut = "primary-cut"
  /// The same, and nothing on the old primary's machine ends it: it goes on taking connections beside the new one.
  case primaryDeposed = "primary-deposed"
  /// The primary's machine stands still until another has taken over; then it wakes, and believes that nothing happened.
  case primaryPaused = "primary-paused"
  /// The same, with one of the coordinators on that machine: its connections lead to the old primary when both wake.
  case machinePaused = "machine-paused"
  /// The primary's disk is full.
  case diskFull = "disk-full"
  case standbyLost = "standby-lost"
  /// Both: nothing may be acknowledged until one is back.
  case standbysLost = "standbys-lost"
  /// PostgreSQL acknowledges a commit, and the coordinator's connection breaks before it hears so.
  case acknowledgementLost = "acknowledgement-lost"
  /// One of two coordinators dies.
  case coordinatorKilled = "coordinator-killed"

  /// Whether another node must lead afterwards, or the fault did not happen.
  var changesLeader: Bool {
    switch self {
    case .primaryKilled, .primaryLost, .primaryCut, .primaryDeposed, .primaryPaused, .machinePaused, .diskFull: true
    case .standbyLost, .standbysLost, .acknowledgementLost, .coordinatorKilled: false
    }
  }

  /// Whether the region has to refuse everything while the fault is in force.
  var refusesEverything: Bool { self == .standbysLost }

  /// Each node's data has to lie on a disk of its own.
  var needsDisks: Bool { self == .diskFull }

  /// For disks, or network namespaces.
  package var needsRoot: Bool { self == .diskFull || self == .primaryCut || self == .primaryDeposed }
}

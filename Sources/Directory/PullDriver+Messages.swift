package import Residency

/// What a region says of itself when a peer greets it.
package struct PeerHello: Hashable, Sendable {
  package let region: RegionOrdinal
  /// The incarnation in which it writes now.
  package let incarnation: Incarnation
  /// The catalog that it runs with.
  package let catalogRevision: CatalogRevision
  /// How far it holds each log, its own included.
  package let vector: VersionVector
  /// Logs of which it still holds a branch that does not count.
  package let misled: Set<LogID>

  package init(
    region: RegionOrdinal, incarnation: Incarnation, catalogRevision: CatalogRevision, vector: VersionVector,
    misled: Set<LogID> = []
  ) {
    self.region = region
    self.incarnation = incarnation
    self.catalogRevision = catalogRevision
    self.vector = vector
    self.misled = misled
  }
}

/// How the logs of a peer that has answered a greeting compare with the ones here.
package struct LogComparison: Hashable, Sendable {
  /// Logs whose chain at the peer's head is not the one here.
  package let forks: Set<LogID>
  /// Logs of which this region holds a branch that does not count, as it knows by now.
  package let misled: Set<LogID>

  package init(forks: Set<LogID> = [], misled: Set<LogID> = []) {
    self.forks = forks
    self.misled = misled
  }
}

/// What a peer's greeting showed to be wrong with a log, when its chains were compared with the ones here.
package struct ChainComparison: Hashable, Sendable {
  /// The places at which a region knows its chain: from the one before the first entry that it holds, to the last.
  package struct Extent: Hashable, Sendable {
    package let start: UInt64
    package let end: UInt64

    package init(start: UInt64, end: UInt64) {
      self.start = start
      self.end = end
    }
  }

  package let own: Extent
  package let theirs: Extent
  /// At the places that were asked for, where they are known.
  package let ownChains: [UInt64: ChainHash]
  package let theirChains: [UInt64: ChainHash]

  package init(own: Extent, theirs: Extent, ownChains: [UInt64: ChainHash], theirChains: [UInt64: ChainHash]) {
    self.own = own
    self.theirs = theirs
    self.ownChains = ownChains
    self.theirChains = theirChains
  }
}

/// Which state of the catalog of regions a region runs with.
package struct CatalogRevision: Hashable, Sendable {
  package let number: UInt64
  /// The hash over the catalog, in hexadecimal.
  package let hash: String

  package init(number: UInt64, hash: String) {
    self.number = number
    self.hash = hash
  }
}

/// Asks a peer for the entries of `log` from `from` on.
package struct PullRequest: Hashable, Sendable {
  package let log: LogID
  package let from: UInt64
  package let entriesMax: Int

  package init(log: LogID, from: UInt64, entriesMax: Int) {
    self.log = log
    self.from = from
    self.entriesMax = entriesMax
  }
}

/// What became of a batch, once its transaction has committed or been given up.
package enum BatchOutcome: Hashable, Sendable {
  /// The log is held up to here now.
  case applied(LogPosition)
  case alreadyApplied(LogPosition)
  case gap(expected: LogPosition)
  case chainMismatch(at: LogPosition)
  case corrupt(BatchDecision.Damage)
  case unreadable(at: LogPosition, DirectoryFormatError)
  case cutOff(at: LogPosition)
  /// A snapshot that is coming in covers it.
  case heldBack
  case ownLog(LogID)
}

extension BatchDecision {
  /// For the driver, after the shell has carried the decision out.
  package func outcome(of batch: LogBatch) -> BatchOutcome {
    switch self {
    case .apply(_, let head): .applied(LogPosition(log: batch.log, seq: head.seq))
    case .alreadyApplied: .alreadyApplied(LogPosition(log: batch.log, seq: batch.last))
    case .gap(let expected): .gap(expected: LogPosition(log: batch.log, seq: expected))
    case .chainMismatch(let position): .chainMismatch(at: position)
    case .corrupt(let damage): .corrupt(damage)
    case .unreadable(let position, let error): .unreadable(at: position, error)
    case .cutOff(let position): .cutOff(at: position)
    case .ownLog: .ownLog(batch.log)
    }
  }
}

/// Why a call to a peer, or the transaction after it, came to nothing.
package enum PeerFailure: String, Error, Hashable, Sendable {
  /// No connection, or it broke.
  case unreachable
  case timedOut
  /// The peer answered with an error.
  case refused
  /// The answer was not what was asked for.
  case protocolViolation
  /// The batch came damaged.
  case damaged
  /// This region's own store could not apply it.
  case storeUnavailable
}

/// What the driver knows of its peer, for routing, metrics and pages. It never decides who owns anything.
package struct PeerHealth: Hashable, Sendable {
  package enum Link: Hashable, Sendable {
    case unknown
    case reachable
    /// So many calls failed since something last went through as a whole.
    case unreachable(failures: Int, PeerFailure)
  }

  package var link: Link = .unknown
  /// When the peer last answered.
  package var lastContact: Duration?
  /// Entries that the peer holds and this region does not.
  package var entriesBehind: UInt64 = 0
  package var catalogDiffers = false

  package init() {}
}

/// What people must hear of.
package enum PeerReport: Hashable, Sendable {
  case health(PeerHealth)
  /// Nothing more of `log` is taken from this peer until its history fits again, or an operator lifts the fence.
  case fenced(LogID, FenceReason)
  /// The peer knows more of this region's own log than this region does, or another history of it: this region was restored. It goes
  /// on in a new incarnation and takes back from its peers what it lost.
  case ownHistoryLost(LogID)
  /// The peer no longer has the entries that this region lacks: it takes a snapshot.
  case loadingSnapshot(LogID)
  /// The two copies of the log do not overlap any more: what is held of it here is taken to be the beginning of what the peer has.
  case incomparable(LogID)
  /// A snapshot is in.
  case snapshotLoaded
  /// Entries that this region wrote on top of a history that it had lost stand in its new log now; `keeping` is where the old one is
  /// cut off.
  case ownEntriesReissued(keeping: LogPosition)
}

package enum FenceReason: Hashable, Sendable {
  /// Its history is not the one held here; `at` is where they were compared.
  case chainMismatch(at: LogPosition)
  /// The log's own region holds less of it than it once gave out.
  case wentBack(held: UInt64, theirs: UInt64)
  case unreadable(at: LogPosition, DirectoryFormatError)
  /// This region's own log and the peer's copy of it part before everything that both still hold: nobody can say where. An operator
  /// has to decide which of the two stands.
  case beyondMemory
}

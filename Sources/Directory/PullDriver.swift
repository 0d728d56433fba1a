package import Residency

/// Brings one peer's entries here: greets it, pulls what it has and this region lacks, batch by batch, and does so again each
/// second or when the peer rings. A ring brings what is new with it, where that is little: it is applied without a pull. One driver a
/// peer; a shell runs its actions.
///
/// ```
/// stopped → greeting → pulling → applying → (pulling …) → idle → greeting
///               │          └ trimmed → loading → storing → (loading …) → adopting → (pulling …)
///               ├ own history lost → restarting → (pulling …)
///               ├ histories part → comparing → (comparing …) → cuttingBack → (pulling …)
///               └── any of these failed → resting → greeting
/// ```
/// One call or transaction is under way at a time; one batch or page is held at most, and ``newsMax`` small batches that came with rings. An event that does not fit the phase (an
/// answer that came after its deadline, a timer that was replaced) changes nothing.
///
/// `now` is monotonic time since some fixed start. The shell gives every call a deadline and reports ``Event/failed(_:)``.
package struct PullDriver: Sendable {
  package struct Configuration: Hashable, Sendable {
    package var pollEvery: Duration = .seconds(1)
    /// How long doorbells are gathered before they are answered.
    package var doorbellWindow: Duration = .milliseconds(5)
    /// How long a log must lag before it is taken from another region than its own.
    package var relayAfter: Duration = .seconds(1)
    /// How long entries of another region's log must be wanting before a snapshot is taken in their place: that region may be back.
    package var snapshotAfter: Duration = .seconds(30)
    /// The wait after the first failure; it doubles with each further one, up to ``restMax``, or to ``pollEvery`` while the peer answers
    /// some of the calls.
    package var restFirst: Duration = .milliseconds(100)
    package var restMax: Duration = .seconds(10)
    package var entriesMax = 1_024
    package var tagsMax = 4_096

    package init() {}
  }

  package enum Event: Hashable, Sendable {
    /// - Parameter local: how far this region holds each log, its own included.
    case started(local: VersionVector)
    /// - Parameters:
    ///   - local: read after the answer had come: a peer may know of an entry of this region before this driver does.
    ///   - logs: compared after that.
    case helloAnswered(PeerHello, local: VersionVector, logs: LogComparison = LogComparison())
    case batchReceived(LogBatch)
    /// The peer had no entries for the request.
    case nothingToPull
    /// The peer does not have the entries any more that were asked for.
    case trimmed
    case applied(BatchOutcome)
    case pageReceived(SnapshotPage)
    case pageStored
    /// Another peer's snapshot is coming in, or this one holds a branch that does not count: it was given up.
    case pageRefused
    /// The snapshot's vector is this region's now.
    case adopted(local: VersionVector)
    /// This region writes another log now.
    case restarted(own: LogID)
    case chainsCompared(ChainComparison)
    /// The log ends here now; what had stood after it is written anew.
    case cutBack(LogPosition)
    /// The call, or the transaction, that was under way.
    case failed(PeerFailure)
    /// The peer has something new: its own log reaches `head`, where it says so, and `news` are its last entries.
    case doorbell(head: LogPosition?, news: LogBatch? = nil)
    /// Another driver, or this region's own committer, moved a log forward.
    case localAdvanced(LogPosition)
    /// The peer has greeted this region: it is there.
    case heard
    /// A client waits for something that the peer may have.
    case hurry
    case tick
    /// An operator lifted a fence.
    case unfenced(LogID)
  }

  package enum Action: Hashable, Sendable {
    /// Greet the peer, with this region's vector as it is then.
    case sendHello
    case pull(PullRequest)
    /// Decide with ``BatchVerifier``, commit, and report ``Event/applied(_:)``.
    case apply(LogBatch)
    case pullSnapshot(SnapshotRequest)
    /// Commit ``SnapshotPage/changes(basis:current:own:)``, and report ``Event/pageStored``.
    case store(SnapshotPage, basis: SnapshotBasis)
    /// All pages are stored: take the snapshot's vector over, and report ``Event/adopted(local:)``.
    case adopt(SnapshotBasis)
    /// Begin a log in an incarnation after `last`, unless that has been done, and report ``Event/restarted(own:)`` to every driver.
    case restartHistory(after: Incarnation)
    /// Compare the chains of a log at some places, none for its extent only, and report ``Event/chainsCompared(_:)``.
    case compareChains(LogID, at: [UInt64])
    /// Commit a ``Reissue`` of what this region wrote after `keeping`, and report ``Event/cutBack(_:)``.
    case cutBack(keeping: LogPosition)
    /// Tell the peer that this region holds the log durably up to here. Its failure needs no report: the next hello says it too.
    case acknowledge(LogPosition)
    /// Send ``Event/tick`` after this time; replaces the timer before.
    case schedule(after: Duration)
    case report(PeerReport)
  }

  enum Phase: Hashable, Sendable {
    case stopped
    /// `askedWith` is what this region held when it asked: the origin of a log held no less when it answered.
    case greeting(askedWith: VersionVector)
    case pulling(PullRequest)
    case applying(PullRequest)
    case loading(SnapshotRequest)
    case storing(SnapshotPage)
    case adopting(SnapshotBasis)
    case restarting
    /// `nil` while the extents of the two copies are asked for.
    case comparing(LogID, ForkSearch?)
    case cuttingBack(LogPosition)
    case idle(greetAt: Duration, wakeAt: Duration)
    case resting(until: Duration, wasRung: Bool)
  }

  /// What comes before the next pull.
  enum Chore: Hashable, Sendable {
    case restart(after: Incarnation)
    case findFork(LogID)
    case loadSnapshot
  }

  /// How far a snapshot has come in.
  struct Loading: Hashable, Sendable {
    let basis: SnapshotBasis
    let after: SubjectTag
  }

  /// Two copies of a log that were one history when they were compared.
  struct Agreement: Hashable, Sendable {
    /// How far each reached then.
    let own: UInt64
    let theirs: UInt64

    /// Whether what is here up to `local` is the beginning of the peer's copy up to `seq`, or its continuation.
    func holds(local: UInt64, theirs seq: UInt64) -> Bool { local <= own && (own <= theirs || seq <= theirs) }
  }

  /// Where more wait to be applied, they are pulled together.
  package static let newsMax = 4

  package let peer: RegionOrdinal
  package let configuration: Configuration
  let catalogRevision: CatalogRevision
  package internal(set) var own: LogID
  package internal(set) var health = PeerHealth()
  /// Logs of which nothing is taken from this peer.
  package internal(set) var fenced: Set<LogID> = []

  var phase: Phase = .stopped
  var chores: [Chore] = []
  /// A snapshot that a failure interrupted goes on where it stopped.
  var loading: Loading?
  /// What is known of the peer's copies of logs that this region holds a part of.
  var agreements: [LogID: Agreement] = [:]
  /// Logs of which this region held a branch that does not count, when it last greeted the peer.
  var misled: Set<LogID> = []
  /// A lower bound of what this region holds.
  var local = VersionVector()
  /// What the peer has said it holds.
  var remote = VersionVector()
  /// In which the peer writes.
  var peerIncarnation = Incarnation.first
  /// Logs that the peer could not give; asked for again after the next hello.
  var skipped: Set<LogID> = []
  /// Since when a log lags that is not the peer's own.
  var behindSince: [LogID: Duration] = [:]
  /// Since when the peer lacks the entries that this region wants, of logs that are not the peer's own.
  var trimmedSince: [LogID: Duration] = [:]
  var greetAt: Duration = .zero
  /// What a doorbell named while the peer was answering a greeting: the answer may be older.
  var rungMeanwhile: LogPosition?
  /// What came with rings and is not applied yet: of one log of the peer's, each going on from the one before.
  var news: [LogBatch] = []
  /// Failures since something last went through as a whole.
  var failures = 0
  /// When the last of them was.
  var restedAt: Duration = .zero

  /// - Parameters:
  ///   - own: the log that this region writes now.
  ///   - catalogRevision: the catalog that this region runs with.
  package init(own: LogID, peer: RegionOrdinal, catalogRevision: CatalogRevision, configuration: Configuration = .init()) {
    self.own = own
    self.peer = peer
    self.catalogRevision = catalogRevision
    self.configuration = configuration
  }

  package mutating func receive(_ event: Event, now: Duration) -> [Action] {
    switch event {
    case .localAdvanced(let position):
      local.advance(to: position)
      behindSince[position.log] = nil
      return []
    case .restarted(let log): return restarted(log, now)
    case .unfenced(let log):
      fenced.remove(log)
      return []
    case .doorbell(let head, let news): return rung(head, news, now)
    case .hurry: return rung(nil, nil, now)
    case .heard: return triedEarly(now)
    case .failed(let failure): return isUnderWay ? rest(failure, now) : []
    case .tick: return ticked(now)
    default: return answered(event, now)
    }
  }

  /// What was asked for has come, unless something else is awaited by now.
  private mutating func answered(_ event: Event, _ now: Duration) -> [Action] {
    switch (event, phase) {
    case (.started(let vector), .stopped):
      local.join(vector)
      return greet(now)
    case (.helloAnswered(let hello, let vector, let logs), .greeting(let askedWith)):
      local.join(vector)
      return greeted(hello, askedWith: askedWith, logs, now)
    case (.batchReceived(let batch), .pulling(let request)): return received(batch, for: request, now)
    case (.nothingToPull, .pulling(let request)):
      skipped.insert(request.log)
      return proceed(now)
    case (.trimmed, .pulling(let request)): return trimmed(request, now)
    case (.applied(let outcome), .applying(let request)): return applied(outcome, for: request, now)
    case (.pageReceived(let page), .loading(let request)): return received(page, for: request, now)
    case (.pageStored, .storing(let page)): return stored(page, now)
    case (.pageRefused, .storing), (.pageRefused, .adopting):
      loading = nil
      return proceed(now)
    case (.adopted(let vector), .adopting): return adopted(vector, now)
    case (.chainsCompared(let comparison), .comparing(let log, let search)): return compared(comparison, of: log, search, now)
    case (.cutBack(let end), .cuttingBack): return cutBack(to: end, now)
    default: return []
    }
  }

  /// Whether a call or a transaction is awaited.
  private var isUnderWay: Bool {
    switch phase {
    case .stopped, .idle, .resting: false
    case .greeting, .pulling, .applying, .loading, .storing, .adopting, .restarting, .comparing, .cuttingBack: true
    }
  }

  private mutating func ticked(_ now: Duration) -> [Action] {
    switch phase {
    case .idle(let greetAt, let wakeAt): woken(greetAt: greetAt, wakeAt: wakeAt, now)
    case .resting(let until, _): now >= until ? greet(now) : [.schedule(after: until - now)]
    default: []
    }
  }
}

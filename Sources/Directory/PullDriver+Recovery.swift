package import Residency

// MARK: Own history

extension PullDriver {
  /// Goes through in any phase: which driver saw that history was lost makes no difference.
  mutating func restarted(_ log: LogID, _ now: Duration) -> [Action] {
    if log > own { own = log }
    chores.removeAll { chore in
      if case .restart(let last) = chore { last < own.incarnation } else { false }
    }
    guard case .restarting = phase else { return [] }
    return proceed(now)
  }

  mutating func compared(
    _ comparison: ChainComparison, of log: LogID, _ search: ForkSearch?, _ now: Duration
  ) -> [Action] {
    health.lastContact = now
    let (start, end) = (
      max(comparison.own.start, comparison.theirs.start), min(comparison.own.end, comparison.theirs.end)
    )
    var compared = search ?? ForkSearch(log: log, start: start, end: end)
    if search != nil { compared.compare(own: comparison.ownChains, theirs: comparison.theirChains) }
    switch compared.progress {
    case .probe(let places):
      phase = .comparing(log, compared)
      return [.compareChains(log, at: places)]
    case .found(let seq) where seq == end:
      // One continues the other.
      return (trimmedSince[log] == nil ? [] : wantsSnapshot(insteadOf: log)) + proceed(now)
    case .found(let seq):
      let end = LogPosition(log: log, seq: seq)
      phase = .cuttingBack(end)
      return [.cutBack(keeping: end)]
    case .beyondMemory:
      return fence(log, .beyondMemory) + proceed(now)
    }
  }

  mutating func cutBack(to end: LogPosition, _ now: Duration) -> [Action] {
    skipped.remove(end.log)
    local.withdraw(to: end)
    return [.report(.ownEntriesReissued(keeping: end))] + proceed(now)
  }
}

// MARK: Snapshots

extension PullDriver {
  mutating func wantsSnapshot(insteadOf log: LogID) -> [Action] {
    guard !chores.contains(.loadSnapshot) else { return [] }
    chores.append(.loadSnapshot)
    return loading == nil ? [.report(.loadingSnapshot(log))] : []
  }

  /// The peer's own log, and this region's own, it gives at once; of others the region that writes them may have more.
  mutating func trimmed(_ request: PullRequest, _ now: Duration) -> [Action] {
    let log = request.log
    health.lastContact = now
    skipped.insert(log)
    let since = trimmedSince[log] ?? now
    trimmedSince[log] = since
    if log.origin == own.origin {
      // What this region wrote on a lost history must not go with the snapshot.
      chores.append(.findFork(log))
      return proceed(now)
    }
    guard log.origin == peer || now - since >= configuration.snapshotAfter else { return proceed(now) }
    return wantsSnapshot(insteadOf: log) + proceed(now)
  }

  mutating func load(_ now: Duration) -> [Action] {
    let request = SnapshotRequest(after: loading?.after, tagsMax: min(configuration.tagsMax, SnapshotPage.tagsMax))
    phase = .loading(request)
    return [.pullSnapshot(request)]
  }

  mutating func received(_ page: SnapshotPage, for request: SnapshotRequest, _ now: Duration) -> [Action] {
    health.lastContact = now
    guard page.answers(request) else { return rest(.protocolViolation, now) }
    if let loading, !page.basis.vector.dominates(loading.basis.vector) {
      // The peer was restored meanwhile: what it showed so far and what it shows now do not fit together.
      self.loading = nil
      return rest(.refused, now)
    }
    phase = .storing(page)
    return [.store(page, basis: loading?.basis ?? page.basis)]
  }

  mutating func stored(_ page: SnapshotPage, _ now: Duration) -> [Action] {
    let basis = loading?.basis ?? page.basis
    failures = 0
    if let last = page.through {
      loading = Loading(basis: basis, after: last)
      return load(now)
    }
    loading = nil
    phase = .adopting(basis)
    return [.adopt(basis)]
  }

  mutating func adopted(_ vector: VersionVector, _ now: Duration) -> [Action] {
    local = vector
    skipped.removeAll()
    trimmedSince.removeAll()
    fenced = fenced.filter { $0.origin == own.origin }
    return [.report(.snapshotLoaded)] + vector.positions.map { .acknowledge($0) } + proceed(now)
  }
}

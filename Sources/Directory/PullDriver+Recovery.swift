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
    var compared =
      search
      ?? ForkSearch(
        log: log, start: max(comparison.own.start, comparison.theirs.start),
        end: min(comparison.own.end, comparison.theirs.end))
    if search != nil { compared.compare(own: comparison.ownChains, theirs: comparison.theirChains) }
    switch compared.progress {
    case .probe(let places):
      phase = .comparing(log, compared)
      return [.compareChains(log, at: places)]
    case .outdated:
      // Asked for again with the next greeting, or the next page.
      return proceed(now)
    case .found(let seq) where seq == compared.end:
      // One continues the other, or did when the search began.
      agreements[log] = Agreement(own: comparison.own.end, theirs: seq)
      return (trimmedSince[log] == nil ? [] : wantsSnapshot(insteadOf: log)) + proceed(now)
    case .found(let seq) where log.origin != own.origin:
      // Its own region has to say which counts.
      return fence(log, .chainMismatch(at: LogPosition(log: log, seq: seq + 1))) + proceed(now)
    case .beyondMemory where log.origin != own.origin:
      // Nobody can tell any more whether they part: a region that was away for so long takes what the others hold.
      agreements[log] = Agreement(own: .max, theirs: .max)
      return [.report(.incomparable(log))] + proceed(now)
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
    agreements[end.log] = Agreement(own: end.seq, theirs: end.seq)
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
    if loading == nil {
      let doubtful = page.basis.vector.positions.filter { isDoubtful($0) }.map(\.log)
      guard !doubtful.contains(where: fenced.contains) else { return proceed(now) }
      if !doubtful.isEmpty {
        chores.insert(contentsOf: doubtful.map { .findFork($0) } + [.loadSnapshot], at: 0)
        return proceed(now)
      }
    }
    phase = .storing(page)
    return [.store(page, basis: loading?.basis ?? page.basis)]
  }

  /// Whether a snapshot that covers a log up to `position` could take the place of another branch of it, of which nobody has said yet that
  /// it does not count: somebody may have been told that it does.
  private func isDoubtful(_ position: LogPosition) -> Bool {
    let held = local[position.log]
    guard position.log != own, held > 0, !misled.contains(position.log) else { return false }
    return !(agreements[position.log]?.holds(local: held, theirs: position.seq) ?? false)
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

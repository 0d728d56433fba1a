import DomicileAPI
import RegionStore
import Residency

extension Domicile_V1_Evidence {
  /// Of a call that read the store of the subject's home.
  init(_ facts: Facts, epoch: Epoch) {
    self.init()
    self.epoch = epoch.rawValue
    switch facts.readPoint {
    case .primary:
      readLevel = .linearizable
    case .session(let seen):
      readLevel = .session
      attach(SessionToken(mark: seen, isDurable: false))
    case .replica(let seen, let staleness):
      readLevel = .replica
      self.staleness = .init(milliseconds: staleness.roundedUpToMilliseconds)
      attach(SessionToken(mark: seen, isDurable: false))
    }
  }

  private mutating func attach(_ token: SessionToken) {
    sessionToken = token.text
    lsn = token.mark.position.description
  }

  /// - Parameter commit: Of the record of the call, and of what it wrote.
  mutating func attach(_ commit: CommitStanding) {
    // What was read on a standby may be older than the record of it: the token is of what was read.
    if sessionToken.isEmpty {
      sessionToken = commit.tokenText
      lsn = commit.positionText
    }
    confirmations = UInt32(commit.confirmations)
    writeConcern =
      switch commit.concern {
      case .local: .local
      case .standard, .quorum: .quorum
      case .applied: .applied
      }
  }
}

/// An answer that says how current it is and what became of what it wrote.
protocol EvidenceCarrying: RecordedAnswer {
  var evidence: Domicile_V1_Evidence { get set }
}

extension EvidenceCarrying {
  mutating func attach(_ commit: CommitStanding) { evidence.attach(commit) }
}

extension Duration {
  /// Never less than the duration itself.
  fileprivate var roundedUpToMilliseconds: UInt64 {
    let (seconds, attoseconds) = components
    return UInt64(max(0, seconds)) * 1_000 + UInt64(max(0, attoseconds) + 999_999_999_999_999) / 1_000_000_000_000_000
  }
}

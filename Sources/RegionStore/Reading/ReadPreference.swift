import Residency

/// How current the records have to be that an operation reads. Subjects, their consents and state always come from the primary:
/// an old copy may show old data, it never opens what has been closed since.
package enum ReadPreference: Hashable, Sendable {
  /// Everything that was acknowledged before the operation began.
  case linearizable
  /// Everything that the token stands for.
  case session(SessionToken)
  /// All but the last moments.
  case replica(maxStaleness: Duration)
}

/// What a session has seen: a later read that honours it sees no less.
package struct SessionToken: Hashable, Sendable {
  package let mark: LogMark
  /// Whether what it stands for survives the loss of the primary.
  package let isDurable: Bool

  package init(mark: LogMark, isDurable: Bool) {
    self.mark = mark
    self.isDurable = isDurable
  }
}

extension CommitStanding {
  package var token: SessionToken { SessionToken(mark: mark, isDurable: concern >= .quorum) }
}

/// 22 bytes in hexadecimal: a version, whether durable, system identifier, timeline, position; big-endian.
extension SessionToken {
  private static let version: UInt8 = 1

  package var text: String { bytes.hex }

  private var bytes: [UInt8] {
    [Self.version, isDurable ? 1 : 0] + Self.bigEndian(mark.history.systemIdentifier) + Self.bigEndian(mark.history.timeline)
      + Self.bigEndian(mark.position.rawValue)
  }

  /// - Returns: `nil` for what ``text`` does not make.
  package init?(_ text: String) {
    guard text.utf8.count == 44, let bytes = [UInt8](hex: text), bytes.count == 22, bytes[0] == Self.version, bytes[1] <= 1 else {
      return nil
    }
    func number(_ range: Range<Int>) -> UInt64 { bytes[range].reduce(0) { $0 << 8 | UInt64($1) } }
    let history = ClusterHistory(systemIdentifier: number(2..<10), timeline: UInt32(number(10..<14)))
    self.init(
      mark: LogMark(history: history, position: LogSequenceNumber(rawValue: number(14..<22))), isDurable: bytes[1] == 1)
  }

  private static func bigEndian(_ number: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: number.bigEndian, Array.init)
  }
}

/// Where the records of an operation's facts were read.
package enum ReadPoint: Hashable, Sendable {
  /// On the primary, in the snapshot of the batch.
  case primary
  /// On a standby that has everything that a session token stood for.
  /// - Parameter seen: covers all that was read.
  case session(seen: LogMark)
  /// On a standby that was behind by at most `staleness`.
  case replica(seen: LogMark, staleness: Duration)
}

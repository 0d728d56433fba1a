package import Residency

/// How the network between two regions carries bytes one way.
package struct LinkCondition: Hashable, Sendable {
  /// How long a byte is under way.
  package var delay: Duration
  /// Of 1,000 pieces so many are lost. TCP sends such a piece again, so it comes late, and what follows it waits.
  package var lossPerMille: Int
  /// Nothing comes through, and nobody is told: bytes and ends of connections wait until the link is whole again.
  package var isCut: Bool

  package init(delay: Duration = .zero, lossPerMille: Int = 0, isCut: Bool = false) {
    self.delay = delay
    self.lossPerMille = lossPerMille
    self.isCut = isCut
  }

  /// After which a lost piece is sent again, beside the way there and back: the least that Linux waits.
  static let retransmission = Duration.milliseconds(200)

  /// How long a piece takes.
  func travel(isLost: Bool) -> Duration { isLost ? delay * 3 + Self.retransmission : delay }
}

/// One way of a link.
package struct LinkDirection: Hashable, Sendable {
  package let from: RegionID
  package let to: RegionID

  package init(from: RegionID, to: RegionID) {
    self.from = from
    self.to = to
  }

  var reversed: LinkDirection { LinkDirection(from: to, to: from) }
}

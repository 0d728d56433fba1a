import DequeModule
import NIOCore

/// What one way of a connection holds back: in order, each piece until its time has come, and everything while the link is cut.
struct LinkQueue {
  enum Piece: Equatable {
    case bytes(ByteBuffer)
    /// The sender has closed.
    case end
  }

  /// More than this is not read from the sender: TCP would not take more either.
  static let bytesMax = 1 << 20

  private var pieces: Deque<(piece: Piece, due: NIODeadline)> = []
  private(set) var heldBytes = 0

  var isEmpty: Bool { pieces.isEmpty }
  var isFull: Bool { heldBytes >= Self.bytesMax }

  /// - Parameter isLost: whether this piece has to be sent again.
  mutating func append(_ piece: Piece, now: NIODeadline, over link: LinkCondition, isLost: Bool) {
    let due = now + TimeAmount(link.travel(isLost: isLost))
    // Nothing overtakes.
    pieces.append((piece, pieces.last.map { max($0.due, due) } ?? due))
    if case .bytes(let bytes) = piece { heldBytes += bytes.readableBytes }
  }

  /// What has arrived by now.
  mutating func take(now: NIODeadline, isCut: Bool) -> [Piece] {
    guard !isCut else { return [] }
    var arrived: [Piece] = []
    while let first = pieces.first, first.due <= now {
      pieces.removeFirst()
      if case .bytes(let bytes) = first.piece { heldBytes -= bytes.readableBytes }
      arrived.append(first.piece)
    }
    return arrived
  }

  /// When the next piece arrives; `nil` where none is under way.
  var nextDue: NIODeadline? { pieces.first?.due }
}

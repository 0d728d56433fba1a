import NIOCore

/// Sees in the traffic of one connection to PostgreSQL when a commit is sent, and what becomes of it. It decides nothing else.
struct CommitWatch {
  enum Answer: Hashable {
    case none
    /// Every commit that was sent has been acknowledged.
    case acknowledged
    /// A transaction was rolled back, or a statement failed.
    case failed
  }

  private var sent = PostgresMessages(startsWithoutType: true)
  private var answered = PostgresMessages(startsWithoutType: false)
  /// The prepared statements that commit.
  private var commitStatements: Set<String> = []
  private var underWay = 0

  /// - Returns: whether the client sent a commit in these bytes, or before them with its end in them.
  mutating func clientSent(_ bytes: ByteBuffer) -> Bool {
    sent.append(bytes)
    var commits = false
    while var message = sent.next() {
      guard isCommit(&message) else { continue }
      underWay += 1
      commits = true
    }
    return commits
  }

  /// - Returns: what the server said of the commits that were under way.
  mutating func serverSent(_ bytes: ByteBuffer) -> Answer {
    answered.append(bytes)
    var answer = Answer.none
    while var message = answered.next() {
      switch message.type {
      case UInt8(ascii: "C"):
        switch message.readStrings(1).first {
        case "COMMIT":
          underWay = max(0, underWay - 1)
          if underWay == 0 { answer = .acknowledged }
        case "ROLLBACK": answer = .failed
        default: break
        }
      case UInt8(ascii: "E"):
        underWay = 0
        answer = .failed
      default: break
      }
    }
    return answer
  }

  private mutating func isCommit(_ message: inout PostgresMessages.Message) -> Bool {
    switch message.type {
    case UInt8(ascii: "Q"):
      return Self.commits(message.readStrings(1).first)
    case UInt8(ascii: "P"):
      let strings = message.readStrings(2)
      guard strings.count == 2 else { return false }
      if Self.commits(strings[1]) { commitStatements.insert(strings[0]) } else { commitStatements.remove(strings[0]) }
      return false
    case UInt8(ascii: "B"):
      // The portal's name comes first.
      return message.readStrings(2).last.map { commitStatements.contains($0) } ?? false
    default:
      return false
    }
  }

  private static func commits(_ sql: String?) -> Bool {
    guard let word = sql?.split(whereSeparator: { $0.isWhitespace || $0 == ";" }).first else { return false }
    return ["COMMIT", "END"].contains(word.uppercased())
  }
}

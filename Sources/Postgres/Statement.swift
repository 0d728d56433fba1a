/// One SQL statement under a name, prepared on its first use on each connection.
package struct Statement: Hashable, Sendable {
  package let name: String
  package let sql: String
  /// What the statement does to the transaction, read from its first word.
  let effect: Effect

  enum Effect: Hashable, Sendable {
    case begins, commits, rollsBack
    /// As far as its text tells: a function that it calls may write.
    case reads
    /// Outside a transaction it commits by itself.
    case writes
  }

  /// - Parameters:
  ///   - name: Stands for this text on a connection; a second text under the same name is refused.
  ///   - sql: One statement. Parameters are `$1`, `$2`…; their types come from where they stand, or from a cast (`$1::bytea[]`).
  package init(_ name: String, _ sql: String) {
    self.name = name
    self.sql = sql
    effect = Self.effect(of: sql)
  }

  private static func effect(of sql: String) -> Effect {
    switch firstWord(of: sql) {
    case "begin", "start": .begins
    case "commit", "end": .commits
    case "rollback", "abort": .rollsBack
    case "select", "show", "table", "values", "explain", "set", "reset", "savepoint", "release", "declare", "fetch", "move",
      "close", "listen", "unlisten", "discard", "deallocate", "lock":
      .reads
    default: .writes
    }
  }

  /// In lower case, after white space and comments.
  private static func firstWord(of sql: String) -> String {
    var rest = Substring(sql)
    while true {
      rest = rest.drop { $0.isWhitespace }
      if rest.hasPrefix("--") {
        rest = rest.drop { !$0.isNewline }
      } else if rest.hasPrefix("/*") {
        rest = afterComment(rest)
      } else {
        return rest.prefix { $0.isLetter }.lowercased()
      }
    }
  }

  /// Block comments nest in PostgreSQL.
  private static func afterComment(_ text: Substring) -> Substring {
    var rest = text
    var depth = 0
    repeat {
      if rest.hasPrefix("/*") {
        depth += 1
        rest = rest.dropFirst(2)
      } else if rest.hasPrefix("*/") {
        depth -= 1
        rest = rest.dropFirst(2)
      } else {
        rest = rest.dropFirst()
      }
    } while depth > 0 && !rest.isEmpty
    return rest
  }
}

/// One statement of a pipeline with its parameters.
package struct PipelineStep: Sendable {
  package let statement: Statement
  package let parameters: [PostgresValue]

  package init(_ statement: Statement, _ parameters: [PostgresValue] = []) {
    self.statement = statement
    self.parameters = parameters
  }
}

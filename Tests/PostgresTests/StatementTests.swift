import Testing

@testable import Postgres

struct StatementTests {
  @Test(arguments: [
    ("COMMIT", Statement.Effect.commits), ("  \n-- done\n/* a /* nested */ note */ commit and chain", .commits),
    ("END", .commits),
    ("BEGIN ISOLATION LEVEL REPEATABLE READ", .begins), ("START TRANSACTION", .begins), ("ROLLBACK", .rollsBack),
    ("select 1", .reads), ("INSERT INTO t VALUES (1)", .writes),
    ("WITH x AS (DELETE FROM t RETURNING 1) SELECT * FROM x", .writes),
    ("CALL archive()", .writes), ("commitment", .writes), ("", .writes), ("/* never closed", .writes),
  ])
  func `a statement's first word tells what it does to the transaction`(sql: String, effect: Statement.Effect) {
    #expect(Statement("s", sql).effect == effect)
  }
}

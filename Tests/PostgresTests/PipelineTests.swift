import Testing

@testable import Postgres

struct PipelineTests {
  @Test func `a pipeline's answers are in the order of its steps`() async throws {
    try await TestDatabase.with { connection in
      let number = Statement("number", "SELECT $1::integer")
      let results = try await connection.pipeline((0..<300).map { PipelineStep(number, [.int32($0)]) })
      #expect(try results.map { try $0.rows[0].int32(0) } == Array(0..<300))
      #expect(try await connection.pipeline([]).isEmpty)
    }
  }

  @Test func `a later step sees what an earlier one of the same round trip made`() async throws {
    try await TestDatabase.with { connection in
      let results = try await connection.pipe([
        "BEGIN", "CREATE TABLE t (a int)", "INSERT INTO t VALUES (1), (2)", "SELECT count(*) FROM t", "COMMIT",
      ])
      #expect(try results[3].rows[0].int64(0) == 2)
      #expect(results[2].affectedRows == 2)
    }
  }

  @Test func `an error names its step, undoes the transaction and leaves the connection usable`() async throws {
    try await TestDatabase.with { connection in
      try await connection.script("CREATE TABLE t (a int PRIMARY KEY); INSERT INTO t VALUES (1)")
      let error = try await postgresError { () throws(PostgresError) in
        try await connection.pipe([
          "BEGIN", "INSERT INTO t VALUES (2)", "INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (3)", "COMMIT",
        ])
      }
      #expect(error.isUniqueViolation)
      #expect(error.step == 2)
      #expect(error.constraint == "t_pkey")
      #expect(!error.description.contains("INSERT"))
      #expect(connection.standing.transaction == .failed)
      try await connection.rollback()
      #expect(connection.standing.transaction == .none)
      #expect(try await connection.count("t") == 1)
    }
  }

  @Test func `a statement that cannot be prepared fails at its step and can be prepared later`() async throws {
    try await TestDatabase.with { connection in
      let read = Statement("read", "SELECT a FROM later")
      let error = try await postgresError { () throws(PostgresError) in
        try await connection.pipeline([PipelineStep(Statement("one", "SELECT 1")), PipelineStep(read), PipelineStep(read)])
      }
      #expect(error.kind == .server(.undefinedTable))
      #expect(error.step == 1)
      try await connection.script("CREATE TABLE later (a int)")
      #expect(try await connection.execute(read).rows.isEmpty)
      #expect(try await connection.execute(Statement("one", "SELECT 1")).rows.count == 1)
    }
  }

  @Test func `steps outside a transaction are committed together or not at all`() async throws {
    try await TestDatabase.with { connection in
      try await connection.script("CREATE TABLE t (a int PRIMARY KEY)")
      _ = try await postgresError { () throws(PostgresError) in
        try await connection.pipe(["INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (1)"])
      }
      #expect(try await connection.count("t") == 0)
    }
  }

  @Test func `an error that the commit itself brings is a refusal`() async throws {
    try await TestDatabase.with { connection in
      try await connection.script("CREATE TABLE t (a int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
      let error = try await postgresError { () throws(PostgresError) in
        try await connection.pipe(["BEGIN", "INSERT INTO t VALUES (1), (1)", "COMMIT"])
      }
      #expect(error.isUniqueViolation)
      #expect(error.step == 2)
      let implicit = try await postgresError { () throws(PostgresError) in
        try await connection.run("INSERT INTO t VALUES (1), (1)")
      }
      #expect(implicit.isUniqueViolation)
      #expect(try await connection.count("t") == 0)
    }
  }

  @Test func `a COMMIT that rolls back is not a success`() async throws {
    try await TestDatabase.with { connection in
      _ = try await connection.run("BEGIN")
      _ = try await postgresError { () throws(PostgresError) in try await connection.run("SELECT 1/0") }
      let error = try await postgresError { () throws(PostgresError) in try await connection.run("COMMIT") }
      #expect(error.kind == .server(.inFailedTransaction))
      #expect(connection.standing.transaction == .none)
    }
  }

  @Test func `two texts under one name are refused before anything is sent`() async throws {
    try await TestDatabase.with { connection in
      _ = try await connection.execute(Statement("x", "SELECT 1"))
      let error = try await postgresError { () throws(PostgresError) in try await connection.execute(Statement("x", "SELECT 2")) }
      #expect(error.kind == .protocol)
      #expect(try await connection.execute(Statement("x", "SELECT 1")).rows[0].int32(0) == 1)
    }
  }

  @Test func `a connection whose prepared statements no longer fit is given up`() async throws {
    try await TestDatabase.with { connection in
      try await connection.script("CREATE TABLE t (a int)")
      let read = Statement("read", "SELECT * FROM t")
      _ = try await connection.execute(read)
      try await connection.script("ALTER TABLE t ADD COLUMN b int")
      let error = try await postgresError { () throws(PostgresError) in try await connection.execute(read) }
      #expect(error.kind == .server(.featureNotSupported))
      #expect(await !connection.isUsable)
    }
  }

  @Test func `a script runs several statements, and says where the server refuses`() async throws {
    try await TestDatabase.with { connection in
      try await connection.script("CREATE TABLE t (a int); INSERT INTO t VALUES (1); INSERT INTO t VALUES (2);")
      #expect(try await connection.count("t") == 2)
      let error = try await postgresError { () throws(PostgresError) in
        try await connection.script("INSERT INTO t VALUES (3); SELECT nonsense; INSERT INTO t VALUES (4)")
      }
      #expect(error.kind == .server(SQLState("42703")))
      #expect(try await connection.count("t") == 2)
    }
  }

  @Test func `COPY ends the connection with a typed error`() async throws {
    try await TestDatabase.with { connection in
      let error = try await postgresError { () throws(PostgresError) in try await connection.script("COPY (SELECT 1) TO STDOUT") }
      #expect(error.kind == .indeterminate)
      #expect(await !connection.isUsable)
    }
  }

  @Test func `notices come with the statement that raised them`() async throws {
    try await TestDatabase.with { connection in
      let result = try await connection.run("DROP TABLE IF EXISTS nowhere")
      #expect(result.notices.map(\.severity) == ["NOTICE"])
      #expect(try await connection.run("SELECT 1").notices.isEmpty)
    }
  }
}

import Testing

@testable import Postgres

struct ValueTests {
  @Test func `every kind of value comes back as it went`() async throws {
    try await TestDatabase.with { connection in
      let row = try await connection.run(
        """
        SELECT $1::bytea, $2::bigint, $3::integer, $4::text, $5::boolean, $6::timestamptz, $7::bytea[], $8::bigint[],
          $9::integer[], $10::text[], $11::boolean[], $12::timestamptz[], $13::jsonb, $14::uuid::text
        """,
        [
          .bytes([0, 1, 255]), .int64(.min), .int32(.max), .text("žluťoučký 🐎"), .bool(true), .timestamp(milliseconds: -1),
          .bytesArray([[], [0, 9]]), .int64Array([.min, 0, .max]), .int32Array([.min, .max]),
          .textArray(["", "a,\"b\\{}", "NULL"]),
          .boolArray([true, false]), .timestampArray([0, 1_700_000_000_123]), .text(#"{"a": [1, null]}"#),
          .text("8d3c2c8e-3d53-4d5e-9a57-0d3d2f5a2c11"),
        ]
      ).rows[0]
      #expect(row.columnCount == 14)
      #expect(try row.bytes(0) == [0, 1, 255])
      #expect(try row.int64(1) == .min)
      #expect(try row.int32(2) == .max)
      #expect(try row.int64(2) == Int64(Int32.max))
      #expect(try row.text(3) == "žluťoučký 🐎")
      #expect(try row.bool(4))
      #expect(try row.timestampMilliseconds(5) == -1)
      #expect(try row.bytesArray(6) == [[], [0, 9]])
      #expect(try row.int64Array(7) == [.min, 0, .max])
      #expect(try row.int32Array(8) == [.min, .max])
      #expect(try row.textArray(9) == ["", "a,\"b\\{}", "NULL"])
      #expect(try row.text(12) == #"{"a": [1, null]}"#)
      #expect(try row.text(13) == "8d3c2c8e-3d53-4d5e-9a57-0d3d2f5a2c11")
    }
  }

  @Test func `PostgreSQL understands the arrays and times that are sent`() async throws {
    try await TestDatabase.with { connection in
      let row = try await connection.run(
        """
        SELECT $1::timestamptz = '2023-11-14 22:13:20.123+00', $2::boolean[] = '{t,NULL,f}',
          $3::timestamptz[] = '{1969-12-31 23:59:59.999+00,NULL}', $4::bytea[] = '{NULL,"\\\\x00ff"}', $5::text[] = '{NULL}',
          $6::bigint[] = '{}', $7::integer[] = '{1,NULL}'
        """,
        [
          .timestamp(milliseconds: 1_700_000_000_123), .boolArray([true, nil, false]), .timestampArray([-1, nil]),
          .bytesArray([nil, [0, 255]]), .textArray([nil]), .int64Array([]), .int32Array([1, nil]),
        ]
      ).rows[0]
      for column in 0..<row.columnCount { #expect(try row.bool(column), "column \(column)") }
    }
  }

  @Test func `NULL takes the type that the statement infers`() async throws {
    try await TestDatabase.with { connection in
      try await connection.script("CREATE TABLE t (a bytea, b bigint, c text[], d timestamptz, e boolean, f integer)")
      let inserted = try await connection.run(
        "INSERT INTO t VALUES ($1, $2, $3, $4, $5, $6)", Array(repeating: .null, count: 6))
      #expect(inserted.affectedRows == 1)
      let row = try await connection.run("SELECT * FROM t").rows[0]
      #expect(try row.optionalBytes(0) == nil)
      #expect(try row.optionalInt64(1) == nil)
      #expect(try row.isNull(2))
      #expect(try row.optionalTimestampMilliseconds(3) == nil)
      #expect(try row.optionalBool(4) == nil)
      #expect(try row.optionalInt32(5) == nil)
    }
  }

  @Test func `a column of another type, a NULL and a column that is not there are typed errors`() async throws {
    try await TestDatabase.with { connection in
      let row = try await connection.run("SELECT 1, NULL::bytea, 'x'::text, ARRAY[1,NULL], '{{1}}'::int[], 3000000000").rows[0]
      let attempts: [(PostgresRow) throws -> Void] = [
        { _ = try $0.text(0) }, { _ = try $0.bytes(1) }, { _ = try $0.int64(2) }, { _ = try $0.int32Array(3) },
        { _ = try $0.int32Array(4) }, { _ = try $0.int32(5) }, { _ = try $0.int32(6) }, { _ = try $0.int32(-1) },
        { _ = try $0.textArray(0) }, { _ = try $0.bytesArray(1) },
      ]
      for (index, attempt) in attempts.enumerated() {
        let error = #expect(throws: PostgresError.self, "attempt \(index)") { try attempt(row) }
        #expect(error?.kind == .decoding, "attempt \(index)")
      }
    }
  }

  @Test func `a megabyte goes there and back, many times in one round trip`() async throws {
    try await TestDatabase.with { connection in
      let big = (0..<1_048_576).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      let echo = Statement("echo", "SELECT $1::bytea")
      let results = try await connection.pipeline((0..<8).map { _ in PipelineStep(echo, [.bytes(big)]) })
      #expect(try results.map { try $0.rows[0].bytes(0) == big } == Array(repeating: true, count: 8))
    }
  }

  @Test func `text with a zero byte is refused, not cut short`() async throws {
    try await TestDatabase.with { connection in
      let error = try await postgresError { () throws(PostgresError) in
        try await connection.run("SELECT $1::text", [.text("a\0b")])
      }
      #expect(error.kind == .server(SQLState("22021")))
    }
  }

  @Test func `a time out of PostgreSQL's range fails before anything is sent`() async throws {
    try await TestDatabase.with { connection in
      let error = try await postgresError { () throws(PostgresError) in
        try await connection.run("SELECT $1::timestamptz", [.timestamp(milliseconds: .max)])
      }
      #expect(error.kind == .protocol)
      #expect(await connection.isUsable)
    }
  }

  @Test func `affected rows are counted`() async throws {
    try await TestDatabase.with { connection in
      try await connection.script("CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 7)")
      #expect(try await connection.run("UPDATE t SET a = a + 1 WHERE a > 3").affectedRows == 4)
      #expect(try await connection.run("SELECT * FROM t").rows.count == 7)
      #expect(try await connection.run("CREATE TABLE u ()").affectedRows == 0)
    }
  }

  @Test func `a configuration does not show its password`() {
    let configuration = TestDatabase.configuration("host=db.example user=app password='se cret' dbname=d sslmode=verify-full")
    #expect(configuration.description == "user=app dbname=d host=db.example sslmode=verify-full")
    #expect(
      !"\(String(reflecting: configuration)) \(Mirror(reflecting: configuration).children.map { "\($0)" })".contains("se cret"))
    #expect(TestDatabase.configuration("postgresql://app:secret@h/d").description == "user=app dbname=d host=h")
    #expect(TestDatabase.configuration("password=secret host").description == "<unreadable connection string>")
  }
}

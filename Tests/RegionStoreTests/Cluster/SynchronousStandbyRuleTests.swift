import DomicileTestKit
import Postgres
import RegionStore
import Testing

struct SynchronousStandbyRuleTests {
  typealias Rule = SynchronousStandbyRule

  private static let readable: [(String, Rule.Method, Int, [String])] = [
    ("ANY 1 (a, b)", .any, 1, ["a", "b"]), ("any 2(a,b,c)", .any, 2, ["a", "b", "c"]), ("ANY 1 (*)", .any, 1, ["*"]),
    ("FIRST 2 (a, b, c)", .first, 2, ["a", "b", "c"]), ("2 (a, b)", .first, 2, ["a", "b"]), ("a", .first, 1, ["a"]),
    ("a, b", .first, 1, ["a", "b"]), ("*", .first, 1, ["*"]), (" \t*\t", .first, 1, ["*"]),
    (#""Eu-West", "a ""b""""#, .first, 1, ["Eu-West", #"a "b""#]), (#"ANY 1 ("any", "first")"#, .any, 1, ["any", "first"]),
    ("1", .first, 1, ["1"]), ("3, 4", .first, 1, ["3", "4"]), ("ANY 3 (a, b)", .any, 3, ["a", "b"]),
    ("straße, x$1", .first, 1, ["straße", "x$1"]),
    ("ANY 01 (a)", .any, 1, ["a"]), (#""""#, .first, 1, [""]),
  ]

  /// What PostgreSQL refuses as well.
  private static let malformed = [
    "ANY", "ANY 1", "ANY (a)", "ANY 0 (a)", "ANY -1 (a)", "ANY 1 ()", "ANY 1 (a", "ANY 1 a)", "ANY 1 (a,)", "ANY 1 (a b)",
    "FIRST 0 (a)",
    "0 (a)", "a,", ",a", "a b", "any, b", "first", #""a"#, "a;b", "a-b", "ANY 1 (a) b", "(a)", "ANY x (a)", "1 2 (a)",
    "ANY 1 ((a))", "$a", "a.b",
    "ANY 1.5 (a)", "''",
  ]

  @Test(arguments: readable) func `what PostgreSQL accepts is read`(
    setting: String, method: Rule.Method, confirmations: Int, names: [String]
  ) throws {
    let rule = try #require(try Rule.parse(setting))
    #expect(rule.method == method)
    #expect(rule.confirmations == confirmations)
    #expect(rule.names == names)
  }

  @Test(arguments: ["", " ", "\n\t"]) func `the empty setting names nobody`(setting: String) throws {
    #expect(try Rule.parse(setting) == nil)
  }

  @Test(arguments: malformed) func `what PostgreSQL refuses is refused`(setting: String) {
    #expect(throws: Rule.SyntaxError.self) { try Rule.parse(setting) }
  }

  @Test func `PostgreSQL itself agrees, on these and on random settings`() async throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SplitMix(state: seed)
    let pieces = ["any", "FIRST", "1", "0", "2", "(", ")", ",", " ", "a", "b_1", "*", "\"", "\"x\"", "é", "$", "-", ".", "\t"]
    let made = (0..<400).map { _ in
      (0..<(1 + random.next() % 8)).map { _ in pieces[Int(random.next() % UInt64(pieces.count))] }.joined()
    }
    try await withThrowawayPostgres(listensOnTCP: false) { postgres in
      let connection = try await TestStore.connect(postgres.dsn())
      for setting in Self.readable.map(\.0) + Self.malformed + made {
        let accepted: Bool
        do throws(PostgresError) {
          try await connection.script(
            "ALTER SYSTEM SET synchronous_standby_names = '\(setting.replacing("'", with: "''"))'")
          accepted = true
        } catch {
          try #require(error.sqlState == SQLState("22023") || error.sqlState == SQLState("42601"))
          accepted = false
        }
        #expect(((try? Rule.parse(setting)) != nil) == accepted, "\(setting.debugDescription), seed \(seed)")
      }
      await connection.close()
    }
  }
}

private struct SplitMix {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

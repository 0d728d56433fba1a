import AuditTrail
import ConnectRPC
import Coordinator
import DomicileAPI
import DomicileTestKit
import FaultLab
import Foundation
import Postgres
import Residency
import SwiftProtobuf
import Testing

extension Integration.Fragile {
  @Suite struct StoredRows {
    /// - Returns: a person with three records at versions 1 to 3, of which one was deleted, who wrote, repeated and settled.
    private func resident(_ world: World) async throws -> String {
      let app = try await world.app(.euWest)
      let subject = freshSubject()
      try await app.register(subject)
      try await app.put(subject, ["name": "E. U. Resident"])
      for _ in 0..<3 { try await app.put(subject, ["name": "changed"], requestID: "change") }
      try await app.put(subject, ["name": "changed again"], expectedVersion: 2)
      _ = try await refusal { try await app.put(subject, ["name": "too late"], expectedVersion: 2) }
      try await app.put(subject, "orders", "1", ["number": "1"])
      for _ in 0..<2 { try await app.delete(subject, "orders", "1", requestID: "delete") }
      for _ in 0..<2 {
        try await app.commit(
          subject,
          [.put("orders", "1", ["number": "1"]), .put("orders", "2", ["number": "2"]), .check("profile", "main", at: 3)],
          requestID: "commit")
      }
      _ = try await app.settle("never", of: subject)
      _ = try await refusal { try await app.put(subject, ["name": "fenced"], requestID: "never") }
      try await app.consent(subject, to: "support")
      return subject
    }

    @Test func `whatever apps did to records, near and far, rows and leaves agree`() async throws {
      let world = try await World.fragile()
      let subject = try await resident(world)
      let abroad = try await world.app(.usEast)
      try await eventually("us-east knows the subject") { try await isKnown(subject, to: abroad) }
      try await abroad.put(subject, "orders", "3", ["number": "3"])
      _ = try await abroad.get(subject, purpose: "support")
      // More people than one answer tells of, and one of whom nothing was ever written.
      let app = try await world.app(.euWest)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<8 {
          group.addTask {
            for _ in 0..<30 {
              let person = freshSubject()
              try await app.register(person)
              try await app.put(person, ["name": "one of many"])
            }
          }
        }
        try await group.waitForAll()
      }
      try await app.register(freshSubject())

      let verified = try await world.audit("verify", "--rows")
      #expect(verified.status == 0, "\(verified.output)")
      for part in ["eu-west: VERIFIED", "stored rows of", "have a leaf and a row", "which record of a collection"] {
        #expect(verified.output.contains(part), "\(part) in \(verified.output)")
      }
      let json = try await world.audit("verify", "--rows", "--region", "eu-west", "--json")
      let report = try JSONValue(parsing: json.output.utf8)["logs"]?.arrayValue?.first?["verification"]
      #expect(report?["findings"] == [] && report?["exit_status"] == 0, "\(json.output)")
      // Without --rows it is said that they were not looked at.
      #expect(try await world.audit("verify", "--region", "eu-west").output.contains("verify --rows"))
    }

    @Test func `while apps write, rows and leaves agree`() async throws {
      let world = try await World.fragile()
      let app = try await world.app(.euWest)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for writer in 0..<6 {
          group.addTask {
            while !Task.isCancelled {
              let subject = freshSubject()
              do {
                try await app.register(subject)
                for number in 0..<20 {
                  try await app.put(subject, "orders", "\(number % 3)", ["number": .init(stringValue: "\(writer)")])
                }
                try await app.delete(subject, "orders", "0")
              } catch let error as ConnectError where Task.isCancelled || error.code == .canceled {
                return
              }
            }
          }
        }
        for _ in 0..<4 {
          let outcome = try await world.audit("verify", "--rows", "--region", "eu-west")
          #expect(outcome.status == 0, "\(outcome.output)")
        }
        group.cancelAll()
      }
    }

    @Test(arguments: [
      (
        "INSERT INTO record SELECT tag, 'health', 'main', 1, sealed, updated_at FROM record WHERE tag = $1::bytea AND collection = 'profile'",
        "DELETE FROM record WHERE tag = $1::bytea AND collection = 'health'", "rows_unlogged", "version 1 in 'health'"
      ),
      (
        "UPDATE record SET version = version + 2 WHERE tag = $1::bytea AND collection = 'profile'",
        "UPDATE record SET version = version - 2 WHERE tag = $1::bytea AND collection = 'profile'", "rows_unlogged",
        "versions 4 to 5 in 'profile'"
      ),
      (
        "UPDATE record SET version = version - 1 WHERE tag = $1::bytea AND collection = 'orders' AND key = '1'",
        "UPDATE record SET version = version + 1 WHERE tag = $1::bytea AND collection = 'orders' AND key = '1'", "rows_missing",
        "version 3 in 'orders'"
      ),
      (
        "DELETE FROM record WHERE tag = $1::bytea AND collection = 'orders' AND key = '2'",
        """
        INSERT INTO record SELECT tag, 'orders', '2', 1, sealed, updated_at FROM record
         WHERE tag = $1::bytea AND collection = 'orders' AND key = '1'
        """, "rows_missing", "version 1 in 'orders'"
      ),
      (
        "UPDATE placement SET home = 1 WHERE tag = encode($1::bytea, 'hex')::uuid",
        "UPDATE placement SET home = 2 WHERE tag = encode($1::bytea, 'hex')::uuid", "rows_elsewhere", "at home in us-east"
      ),
      (
        "UPDATE placement SET state = 3 WHERE tag = encode($1::bytea, 'hex')::uuid",
        "UPDATE placement SET state = 1 WHERE tag = encode($1::bytea, 'hex')::uuid", "rows_elsewhere", "at home nowhere"
      ),
    ])
    func `a row that was changed past the log, or is not where its person is at home, is a violation, and is named`(
      change: String, repair: String, kind: String, named: String
    ) async throws {
      let world = try await World.fragile()
      let subject = try await resident(world)
      let tag = PostgresValue.bytes(try world.tag(of: subject).bytes)
      let outcome = try await during(
        { try await world.deployment.sql(.euWest, change, [tag]) },
        undoing: { try await world.deployment.sql(.euWest, repair, [tag]) }
      ) {
        try await world.audit("verify", "--rows", "--region", "eu-west", "--json")
      }
      #expect(outcome.status == 5, "\(outcome.output)")
      let report = try JSONValue(parsing: outcome.output.utf8)["logs"]?.arrayValue?.first?["verification"]
      let found = report?["findings"]?.arrayValue ?? []
      #expect(found.count == 1 && found.first?["kind"] == .string(kind), "\(outcome.output)")
      #expect(found.first?["message"]?.stringValue?.contains(named) == true, "\(outcome.output)")
      let leaf = try #require(
        try await world.events(.euWest, from: 0).last { $0.activity == .setConsent && $0.subject != nil }?.subject)
      #expect(found.first?["pseudonym"] == .string(leaf.description), "\(outcome.output)")
      #expect(try await world.audit("verify", "--rows", "--region", "eu-west").status == 0)
    }

    @Test func `an account that agreed to give up its id is no violation, and is said`() async throws {
      let world = try await World.fragile()
      let subject = try await resident(world)
      let tag = PostgresValue.bytes(try world.tag(of: subject).bytes)
      let outcome = try await during {
        // Its resolution is known in the directory, and not carried out yet.
        try await world.deployment.sql(
          .euWest, "UPDATE placement SET home = 1 WHERE tag = encode($1::bytea, 'hex')::uuid", [tag])
        try await world.deployment.sql(
          .euWest,
          "INSERT INTO workflow VALUES ('yield', $1::bytea || '\\x0001'::bytea, '\\x00', now(), now() + interval '1 hour')", [tag]
        )
      } undoing: {
        try await world.deployment.sql(.euWest, "DELETE FROM workflow WHERE substring(id FROM 1 FOR 16) = $1::bytea", [tag])
        try await world.deployment.sql(
          .euWest, "UPDATE placement SET home = 2 WHERE tag = encode($1::bytea, 'hex')::uuid", [tag])
      } _: {
        try await world.audit("verify", "--rows", "--region", "eu-west")
      }
      #expect(outcome.status == 0 && outcome.output.contains("the home of 1 person"), "\(outcome.output)")
    }

    @Test func `a person who was removed past the log is missed`() async throws {
      let world = try await World.fragile()
      let subject = try await resident(world)
      let tag = try world.tag(of: subject)
      let tables = ["subject", "record", "consent", "idempotency"]
      let outcome = try await during {
        for table in tables {
          try await world.deployment.sql(
            .euWest, "CREATE TABLE kept_\(table) AS SELECT * FROM \(table) WHERE tag = '\\x\(tag)'")
        }
        for table in tables.reversed() { try await world.deployment.sql(.euWest, "DELETE FROM \(table) WHERE tag = '\\x\(tag)'") }
      } undoing: {
        for table in tables {
          try await world.deployment.sql(.euWest, "INSERT INTO \(table) SELECT * FROM kept_\(table)")
          try await world.deployment.sql(.euWest, "DROP TABLE kept_\(table)")
        }
      } _: {
        try await world.audit("verify", "--rows", "--region", "eu-west")
      }
      #expect(outcome.status == 5, "\(outcome.output)")
      #expect(outcome.output.contains("nothing is stored of that person"), "\(outcome.output)")
      #expect(try await world.audit("verify", "--rows", "--region", "eu-west").status == 0)
    }

    @Test func `against a log that is not whole no row is held`() async throws {
      let world = try await World.fragile()
      _ = try await resident(world)
      let index = PostgresValue.int64(Int64(try await world.logSize(.euWest)) - 8)
      let flip =
        "UPDATE audit_leaf SET leaf = set_byte(leaf, 100, get_byte(leaf, 100) # 1) WHERE index BETWEEN \(World.rowStart) AND $1::bigint + 3"
      let outcome = try await during(
        { try await world.deployment.sql(.euWest, flip, [index]) },
        undoing: { try await world.deployment.sql(.euWest, flip, [index]) }
      ) {
        try await world.audit("verify", "--rows", "--region", "eu-west")
      }
      #expect(outcome.status == 1, "\(outcome.output)")
      #expect(outcome.output.contains("is not whole") && !outcome.output.contains("no leaf"), "\(outcome.output)")
      try await world.waitForCheckpoint(.euWest)
      #expect(try await world.audit("verify", "--rows", "--region", "eu-west").status == 0)
    }

    @Test func `rows are told to auditors alone, page by page, without an id or a key, and each page is recorded`() async throws {
      let world = try await World.fragile()
      let subjects = [try await resident(world), try await resident(world)]
      let auditor = try await world.auditor(.euWest)
      let before = try await world.logSize(.euWest)
      var told: [Domicile_V1_ListStoredVersionsResponse] = []
      repeat {
        told.append(try await auditor.storedVersions(size: 1, token: told.last?.nextPageToken ?? ""))
      } while told.last?.nextPageToken.isEmpty == false
      let stored = try await world.deployment.sql(.euWest, "SELECT count(*) FROM subject").first?.int64(0)
      #expect(told.count == stored.map { Int($0) } && told.allSatisfy { $0.subjects.count == 1 })

      let leaves = try await world.events(.euWest, from: before).filter { $0.principal == "auditor:test" }
      #expect(leaves.count == told.count)
      #expect(leaves.allSatisfy { $0.activity == .operate && $0.effect == .allowed && $0.subject == nil && $0.request != nil })
      #expect(try #require(told.first).auditSize >= before)

      let text = try told.map { try $0.jsonString() }.joined()
      for subject in subjects {
        let tag = try world.tag(of: subject).description
        for secret in [subject, tag, "E. U. Resident", "main"] { #expect(!text.contains(secret)) }
        for page in told { #expect(!(page.nextPageToken.unsealedText ?? "").contains(tag)) }
        let names: Domicile_V1_GetSubjectPseudonymsResponse = try await auditor.call(
          "AuditService", "GetSubjectPseudonyms", Domicile_V1_GetSubjectPseudonymsRequest.with { $0.subjectID = subject })
        let own = try #require(
          told.flatMap(\.subjects).first {
            !Set($0.pseudonyms.map(\.pseudonym)).isDisjoint(with: names.pseudonyms.map(\.pseudonym))
          })
        #expect(own.collections.map(\.collection) == ["orders", "profile"])
        #expect(own.collections.map { $0.rows.map(\.version) } == [[1, 3], [3]])
        #expect(own.collections.flatMap(\.rows).allSatisfy { $0.count == 1 })
      }

      let app = try await world.app(.euWest)
      let refused = try await refusal { try await app.storedVersions() }
      #expect(refused.reason == "ROLE_REQUIRED")
      let denial = try await world.event(of: refused)
      #expect(denial.activity == .operate && denial.effect == .denied)
      for token in ["?", "MQ", "eHg", String(told[0].nextPageToken.dropLast(3))] where token != "MQ" {
        #expect(try await refusal { try await auditor.storedVersions(token: token) }.reason == "INVALID_PAGE_TOKEN")
      }
      #expect(try await refusal { try await auditor.storedVersions(size: 1_001) }.reason == "INVALID_ARGUMENT")
    }

    @Test func `a token without the role is told what it lacks`() async throws {
      let world = try await World.fragile()
      let file = world.deployment.path("app-token")
      try await world.deployment.token().write(toFile: file, atomically: true, encoding: .utf8)
      let outcome = try await ChildProcess.run(
        [
          world.deployment.programs.audit, "verify", "--rows", "--region", "eu-west", "--state", world.deployment.state.path,
          "--token", "@\(file)",
        ],
        in: world.deployment.state.path)
      #expect(outcome.status != 0)
      #expect(outcome.text.contains("it is for principals with the role auditor"), "\(outcome.text)")
    }
  }
}

extension String {
  /// What a page token says to who takes it apart.
  fileprivate var unsealedText: String? {
    let padded = replacing("-", with: "+").replacing("_", with: "/")
    return Data(base64Encoded: padded + String(repeating: "=", count: (4 - padded.count % 4) % 4)).map {
      String(decoding: $0, as: UTF8.self)
    }
  }
}

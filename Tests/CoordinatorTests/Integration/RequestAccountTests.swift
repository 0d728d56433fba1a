import AuditTrail
import ConnectRPC
import Coordinator
import Cryptography
import DomicileAPI
import DomicileTestKit
import FaultLab
import Foundation
import Logging
import Postgres
import Residency
import SwiftProtobuf
import Testing

extension Integration.Fragile {
  @Suite struct RequestAccounts {
    @Test func `once a coordinator has stopped, every request that it numbered is recorded or accounted for`() async throws {
      let world = try await World.fragile()
      let before = try await world.logSize(.usEast)
      let (home, abroad) = (try await world.app(.euWest), try await world.app(.usEast))
      let subject = freshSubject()
      try await home.register(subject)
      try await home.put(subject, ["name": "E. U. Resident"])
      // Recorded on both sides; refused on both; sent on without a record; about nobody; not understood.
      _ = try await abroad.get(subject)
      _ = try await refusal { try await abroad.get(subject, "profiles") }
      let token = try await world.deployment.token()
      let redirected = try await world.post(
        .usEast, "RecordService/GetRecord",
        json: #"{"subjectId":"\#(subject)","collection":"profile","key":"main","purpose":"support"}"#, token: token,
        headers: [("domicile-routing", "redirect")])
      #expect(redirected.status != 200)
      _ = try await refusal { try await abroad.get(freshSubject()) }
      _ = try await refusal { try await abroad.get("") }

      let regions = world.deployment.regions
      await regions.stopCoordinator(of: .usEast)
      try await regions.startCoordinator(of: .usEast)

      let events = try await world.events(.usEast, from: before)
      #expect(events.contains { $0.activity == .stop })
      let account = try #require(events.last { $0.account != nil }?.account)
      #expect(account.passed.count >= 1, "what was sent on has no leaf: \(account)")
      let tally = try await world.requestTally(.usEast)
      #expect(tally.missing.map { "\($0.coordinator): \($0.numbers)" } == [])
      #expect(tally.recordedCount > 0)
    }

    @Test func `nobody is served by a coordinator whose log does not say yet that it is there`() async throws {
      let world = try await World.fragile()
      let regions = world.deployment.regions
      let cluster = try #require(await regions.cluster(of: .usEast))
      await regions.stopCoordinator(of: .usEast)
      let before = try await world.logSize(.usEast)

      // Leaves can be read, and none can be added.
      let blocker = try await PostgresConnection.connect(
        PostgresConfiguration(dsn: cluster.dsn(database: "domicile"), applicationName: "blocker"), logger: Logger(label: "test"))
      _ = try await blocker.execute(Statement("begin", "BEGIN"))
      _ = try await blocker.execute(Statement("hold", "LOCK TABLE audit_leaf IN SHARE MODE"))
      let start = Task { try await regions.startCoordinator(of: .usEast) }
      try await eventually("the first leaf waits for the lock") {
        try await world.deployment.sql(
          .usEast, "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'audit_leaf'::regclass"
        ).isEmpty == false
      }
      for _ in 0..<5 {
        await #expect(throws: (any Error).self, "it answers before its first leaf") {
          try await world.fresh(.usEast) { try await $0.regions() }
        }
        try await Task.sleep(for: .milliseconds(100))
      }
      #expect(try await world.logSize(.usEast) == before)
      _ = try await blocker.execute(Statement("commit", "COMMIT"))
      await blocker.close()
      try await start.value
      #expect(try await world.events(.usEast, from: before).first?.activity == .start)
    }

    @Test func `a region goes on after its log's key was changed, and says which it has`() async throws {
      let world = try await World.fragile()
      let path = "\(world.deployment.state.folder(of: .usEast))/audit.key"
      let keys = try LogKeyFile(parsing: String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self))
      let old = keys.signer
      let next = NoteSigner(name: old.verifierKey.name, algorithm: .ed25519, privateKey: try Ed25519PrivateKey.generate())
      let regions = world.deployment.regions
      func restart(with file: LogKeyFile) async throws {
        await regions.stopCoordinator(of: .usEast)
        try Data(file.text.utf8).write(to: URL(filePath: path))
        try await regions.startCoordinator(of: .usEast)
        let id = file.signer.verifierKey.id
        #expect(try await world.events(.usEast, from: 0).last { $0.setup != nil }?.setup?.logKey == id.description)
        try await eventually("a checkpoint of the key \(id)") {
          let note = try SignedNote(parsing: try LogFile.checkpoint(in: world.logFolder(.usEast)))
          return note.signatures.contains { $0.keyID == id }
        }
      }
      try await restart(with: keys.rotated(to: next))
      // The other regions do not know the new key, and the tests after this one want their cosignatures.
      try await restart(with: LogKeyFile(old, retired: [next.verifierKey]))
    }
  }
}

private enum LogFile {
  static func checkpoint(in folder: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(filePath: "\(folder)/checkpoint")))
  }
}

extension World {
  /// What the whole log of a region says of the requests that were numbered.
  func requestTally(_ region: RegionID) async throws -> RequestTally {
    let rows = try await storedLeaves(region).map { try $0.row.leaf() }
    var tally = RequestTally()
    for (index, start) in stride(from: 0, to: rows.count, by: TileCoordinate.fullWidth).enumerated() {
      let leaves = Array(rows[start..<min(start + TileCoordinate.fullWidth, rows.count)])
      tally.add(
        try #require(
          LeafTileReading(
            index, treeSize: rows.count, entries: .bytes(try EntryBundle.encode(leaves)),
            hashes: .bytes(leaves.flatMap { MerkleTree.leafHash($0).bytes }), for: LeafInterest(completeness: true))))
    }
    return tally
  }
}

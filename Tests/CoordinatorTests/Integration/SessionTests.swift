import Directory
import DomicileTestKit
import FaultLab
import NIOHTTP1
import Postgres
import Residency
import Testing

@testable import Coordinator

extension Integration.Fragile {
  @Suite struct Sessions {
    private func register(_ subject: String, in region: RegionID, _ world: World, session: String? = nil) async throws
      -> WireAnswer
    {
      try await call("RegisterSubject", subject, region, world, session, more: #","residence":{"country":"DE"}"#)
    }

    private func call(
      _ method: String, _ subject: String, _ region: RegionID, _ world: World, _ session: String?, more: String = ""
    ) async throws -> WireAnswer {
      try await world.post(
        region, "SubjectService/\(method)", json: #"{"subjectId":"\#(subject)"\#(more)}"#,
        token: try await world.deployment.token("app:session", purposes: ["service"]),
        headers: session.map { [("Domicile-Session", $0)] } ?? [])
    }

    @Test func `a session reads its own writes in every region, at once`() async throws {
      let world = try await World.fragile()
      for _ in 0..<20 {
        let subject = freshSubject()
        let registered = try await register(subject, in: .euWest, world)
        #expect(registered.status == 200, "\(registered.text)")
        let session = try #require(registered.headers.first(name: "domicile-session"))
        for region in [RegionID.usEast, .apSouth] {
          let found = try await call("LocateSubject", subject, region, world, session)
          #expect(try found.json()["homeRegion"] == "eu-west")
          // By its own copy, not by asking.
          let tag = try world.tag(of: subject)
          #expect(try await world.home(of: tag, in: region) == 2)
        }
        // With what it has seen, it does not register the person a second time elsewhere.
        let again = try await register(subject, in: .usEast, world, session: session)
        #expect(try again.reason() == "SUBJECT_EXISTS")
      }
    }

    @Test func `a region that cannot catch up says that its directory is stale, and never shows less`() async throws {
      let world = try await World.fragile()
      let subject = freshSubject()
      let registered = try await register(subject, in: .euWest, world)
      let session = try #require(registered.headers.first(name: "domicile-session"))
      // A session that has seen more than anybody holds, as where its region is out of reach.
      let key = try RegionSecrets(
        state: world.deployment.state, region: try #require(world.deployment.catalog[.euWest])
      ).sessionKey
      var ahead = try DirectorySession(session, key: key)
      let last = try #require(ahead.seen.positions.last)
      ahead.seen.advance(to: LogPosition(log: last.log, seq: last.seq + 1_000_000))
      let began = ContinuousClock.now
      let stale = try await call("LocateSubject", subject, .usEast, world, ahead.text(key: key))
      #expect(stale.status == 503)
      #expect(try stale.reason() == "STALE_DIRECTORY")
      #expect(began.duration(to: .now) < .seconds(3))
      #expect(stale.headers.first(name: "domicile-session") == ahead.text(key: key))
      for level in ["QUORUM", "ALL"] {
        let joined = try await call(
          "LocateSubject", subject, .usEast, world, ahead.text(key: key), more: #","level":"\#(level)""#)
        #expect(try joined.reason() == "STALE_DIRECTORY", "\(level): \(joined.text)")
      }
      let atHome = try await call("LocateSubject", subject, .usEast, world, ahead.text(key: key), more: #","level":"HOME""#)
      #expect(try atHome.json()["homeRegion"] == "eu-west", "\(atHome.text)")
      #expect(try await register(freshSubject(), in: .usEast, world, session: ahead.text(key: key)).reason() == "STALE_DIRECTORY")
      // The home reads its own store, which is behind nothing.
      let home = try await call("GetSubject", subject, .euWest, world, ahead.text(key: key), more: #","purpose":"service""#)
      #expect(home.status == 200, "\(home.text)")
    }

    @Test func `a session that saw what a restore lost is told so, and no answer names a place at which a log was cut`()
      async throws
    {
      let world = try await World.fragile()
      let subject = freshSubject()
      let registered = try await register(subject, in: .euWest, world)
      let session = try #require(registered.headers.first(name: "domicile-session"))
      let europe = try #require(world.deployment.catalog[.euWest])
      let key = try RegionSecrets(state: world.deployment.state, region: europe).sessionKey
      let own = try #require(try DirectorySession(session, key: key).seen.positions.last { $0.origin == europe.ordinal })
      let regions = [RegionID.usEast, .euWest, .apSouth]
      try await during {
        try await world.deployment.sql(
          .usEast, "INSERT INTO log_cut (origin, incarnation, seq, chain, doubtful) VALUES ($1, $2, $3, $4::bytea, false)",
          [
            .int32(Int32(own.origin.rawValue)), .int32(Int32(bitPattern: own.incarnation.rawValue)), .int64(Int64(own.seq)),
            .bytes([UInt8](repeating: 7, count: 32)),
          ])
      } undoing: {
        // Regions tell each other of cuts.
        for region in regions { await world.deployment.regions.stopCoordinator(of: region) }
        for region in regions { try await world.deployment.sql(region, "DELETE FROM log_cut") }
        for region in regions { try await world.deployment.regions.startCoordinator(of: region) }
      } _: {
        try await eventually("America says that the history is lost") {
          let answer = try await call("LocateSubject", subject, .usEast, world, session)
          return try answer.status != 200 && answer.reason() == "HISTORY_LOST"
        }
        // What memory knows of it follows the store.
        try await eventually("no answer names the place of the cut") {
          let anew = try await call("LocateSubject", subject, .usEast, world, nil)
          #expect(anew.status == 200, "\(anew.text)")
          let told = try #require(anew.headers.first(name: "domicile-session"))
          return try DirectorySession(told, key: key).seen[own.log] < own.seq
        }
      }
    }

    @Test(arguments: ["", "x", "AAAA", String(repeating: "A", count: 4_000)])
    func `a session that no region gave out is refused`(session: String) async throws {
      let world = try await World.fragile()
      let answer = try await call("LocateSubject", "somebody", .usEast, world, session)
      #expect(answer.status == 400)
      #expect(try answer.reason() == "INVALID_ARGUMENT")
    }
  }
}

struct DirectorySessionTests {
  private let key = [UInt8](repeating: 7, count: 32)

  private func session() throws -> DirectorySession {
    var vector = VersionVector()
    vector.advance(to: LogPosition(origin: try #require(RegionOrdinal(2)), incarnation: .first, seq: 1_000))
    return DirectorySession(seen: vector)
  }

  @Test func `a session survives its header`() throws {
    let session = try session()
    #expect(try DirectorySession(session.text(key: key), key: key) == session)
  }

  @Test func `each changed byte of a session is noticed, and so is another key`() throws {
    let text = try session().text(key: key)
    let bytes = try #require([UInt8](base64URL: text))
    for index in bytes.indices {
      var changed = bytes
      changed[index] ^= 1
      #expect(throws: Refusal.self) { try DirectorySession(changed.base64URL, key: key) }
    }
    #expect(throws: Refusal.self) { try DirectorySession(text, key: [UInt8](repeating: 8, count: 32)) }
  }
}

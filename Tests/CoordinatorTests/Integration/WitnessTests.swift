import AuditTrail
import ConnectRPC
import Cryptography
import DomicileAPI
import DomicileTestKit
import FaultLab
import Foundation
import Postgres
import Residency
import SwiftProtobuf
import Testing

@testable import Coordinator

extension Integration.Fragile {
  /// Regions cosign each other's audit logs, so that none can rewrite its own.
  @Suite struct Witnessing {
    private func checkpoint(_ region: RegionID, _ world: World) async throws -> SignedNote {
      try SignedNote(parsing: Array(await world.auditor(region).checkpoint().utf8))
    }

    private func waitForWitnesses(_ count: Int, of region: RegionID, _ world: World) async throws {
      try await eventually(within: .seconds(30), "\(count) witnesses cosign \(region)'s checkpoint") {
        try world.trust(region).verify(try await checkpoint(region, world)).cosignatures.count == count
      }
    }

    @Test func `every other region cosigns, and an auditor finds the quorum met`() async throws {
      let world = try await World.fragile()
      for region in [RegionID.euWest, .usEast, .apSouth] {
        try await waitForWitnesses(2, of: region, world)
        let trusted = try world.trust(region).verify(try await checkpoint(region, world))
        #expect(trusted.quorum == .met)
        let now = Date().timeIntervalSince1970 * 1_000
        for cosignature in trusted.cosignatures {
          #expect(abs(Double(cosignature.at.milliseconds) - now) < 120_000)
        }
      }
      let audited = try await world.audit("verify", "--region", "eu-west")
      #expect(audited.status == 0, "\(audited.output)")
      #expect(audited.output.contains("quorum met"), "\(audited.output)")
      // What a witness has seen, auditors may ask it.
      let note = try await checkpoint(.euWest, world)
      let origin = try Checkpoint(parsing: note.text).origin
      let path = "/witness/\(SHA256.digest(of: origin.utf8))/checkpoint"
      let token = try await world.deployment.token("auditor:test", purposes: [], roles: [.auditor])
      let seen = try await world.get(.usEast, path, token: token)
      #expect(seen.status == 200)
      let size = try Checkpoint(parsing: SignedNote(parsing: seen.body).text).size
      #expect(try size >= Checkpoint(parsing: note.text).size)
      #expect(try await world.get(.usEast, path).status == 401)
      #expect(try await world.get(.usEast, "/witness/00/checkpoint", token: token).status == 404)
    }

    @Test func `a log that is signed anew with another history is refused, and what shows it is kept`() async throws {
      let world = try await World.fragile()
      let europe = try #require(world.deployment.catalog[.euWest])
      try await waitForWitnesses(2, of: .euWest, world)
      // Europe's own key: its operator rewrites the log.
      let signer = try RegionSecrets(state: world.deployment.state, region: europe).auditSigner
      func seen() async throws -> (size: Int, note: [UInt8]) {
        let rows = try await world.deployment.sql(
          .usEast, "SELECT size, note FROM witness_head WHERE origin = $1::text", [.text(europe.audit.origin)])
        let row = try #require(rows.first)
        return (Int(try row.int64(0)), try row.bytes(1))
      }
      func submit(_ body: [UInt8]) async throws -> (status: Int, body: String) {
        try await world.withPeer(showing: world.deployment.state.peerIdentity(of: .euWest), to: .usEast) { peer in
          let answer = try await peer.client.post(
            "/witness/add-checkpoint", body, contentType: "text/plain; charset=utf-8", timeout: .seconds(10))
          return (answer.status, String(decoding: answer.body, as: UTF8.self))
        }
      }
      func request(old: Int, size: Int, by signer: NoteSigner, _ proof: [SHA256Digest] = []) throws -> WitnessRequest {
        let root = SHA256.digest(of: Array("another history".utf8))
        let note = try Checkpoint(origin: signer.verifierKey.name, size: size, root: root).signed(by: signer)
        return WitnessRequest(oldSize: old, proof: proof, checkpoint: note)
      }
      // Nothing is signed meanwhile that would move the head.
      await world.deployment.regions.stopCoordinator(of: .euWest)
      let before = try await seen()
      let forked = try await submit(request(old: before.size, size: before.size, by: signer).bytes)
      #expect(forked.status == 409 && forked.body == "\(before.size)\n")
      let proof = [SHA256.digest(of: [1]), SHA256.digest(of: [2])]
      #expect(try await submit(request(old: before.size, size: before.size + 9, by: signer, proof).bytes).status == 422)
      #expect(try await submit(request(old: 0, size: before.size + 9, by: signer).bytes).status == 409)
      let stranger = NoteSigner(
        name: signer.verifierKey.name, algorithm: .ed25519, privateKey: try Ed25519PrivateKey.generate())
      #expect(try await submit(request(old: before.size, size: before.size + 9, by: stranger).bytes).status == 403)
      let unknown = NoteSigner(
        name: try #require(KeyName("nobody.example/audit")), algorithm: .ed25519, privateKey: try Ed25519PrivateKey.generate())
      #expect(try await submit(request(old: 0, size: 9, by: unknown).bytes).status == 404)
      for broken in [[], Array("old 0\n".utf8), [UInt8](repeating: 0, count: 100_000)] {
        #expect(try await submit(broken).status == 400)
      }
      let after = try await seen()
      #expect(after.size == before.size && after.note == before.note)
      let kept = try await world.deployment.sql(
        .usEast, "SELECT proven, head FROM witness_evidence WHERE origin = $1::text", [.text(europe.audit.origin)])
      #expect(try Set(kept.map { try $0.bool(0) }) == [true, false])
      for row in kept { #expect(try row.bytes(1) == before.note) }
      try await world.deployment.sql(.usEast, "DELETE FROM witness_evidence")
      try await world.deployment.regions.startCoordinator(of: .euWest)
    }

    @Test func `where policy asks for it, nothing is released before witnesses have cosigned its record`() async throws {
      let world = try await World.fragile()
      let regions = world.deployment.regions
      try await world.withWitnessedOrders { app in
        let subject = freshSubject()
        try await app.register(subject)
        try await app.put(subject, ["name": "E. U. Resident"])
        try await app.put(subject, "orders", "o-1", ["number": "n"])
        try await waitForWitnesses(2, of: .euWest, world)
        let began = ContinuousClock.now
        let read = try await app.get(subject, "orders", "o-1")
        #expect(read.record.value == ["number": "n"])
        // The leaf of this very read is among those that are cosigned.
        let seen = try await world.deployment.sql(
          .usEast, "SELECT size FROM witness_head WHERE origin = $1::text",
          [.text(try #require(world.deployment.catalog[.euWest]).audit.origin)])
        #expect(try UInt64(#require(seen.first).int64(0)) > read.receipt.index)
        #expect(began.duration(to: .now) < .seconds(8))

        try await during {
          for region in [RegionID.usEast, .apSouth] { await regions.stopCoordinator(of: region) }
        } undoing: {
          for region in [RegionID.usEast, .apSouth] { try await regions.startCoordinator(of: region) }
        } _: {
          let error = try await refusal { try await app.get(subject, "orders", "o-1") }
          #expect(error.code == .unavailable, "\(error)")
          #expect(error.reason == "AUDIT_UNAVAILABLE")
          #expect(try await world.event(of: error).activity == .read)
          // Nobody else waits: not another collection, and no write.
          #expect(try await app.get(subject).record.value == ["name": "E. U. Resident"])
          #expect(try await app.put(subject, "orders", "o-1", ["number": "m"]).version == 2)
        }
        try await eventually(within: .seconds(30), "it is released again") {
          do { return try await app.get(subject, "orders", "o-1").record.value == ["number": "m"] } catch is ConnectError {
            return false
          }
        }
      }
    }

    @Test func `without witnesses a log goes on, and metrics and auditors are told`() async throws {
      let world = try await World.fragile()
      let app = try await world.app(.euWest)
      let regions = world.deployment.regions
      try await waitForWitnesses(2, of: .euWest, world)
      #expect(try await world.gauge("domicile_audit_unwitnessed_seconds", .euWest) == 0)
      let subject = freshSubject()
      try await during {
        for region in [RegionID.usEast, .apSouth] { await regions.stopCoordinator(of: region) }
      } undoing: {
        for region in [RegionID.usEast, .apSouth] { try await regions.startCoordinator(of: region) }
      } _: {
        try await app.register(subject)
        let receipt = try await app.put(subject, ["name": "E. U. Resident"]).receipt
        try await regions.waitForCheckpoint(of: .euWest, covering: receipt.index, witnessed: false)
        try await eventually("the newest checkpoint is Europe's word alone") {
          try world.trust(.euWest).verify(try await checkpoint(.euWest, world)).quorum == .unmet
        }
        try await eventually(within: .seconds(60), "the metrics count for how long") {
          try await world.gauge("domicile_audit_unwitnessed_seconds", .euWest) ?? 0 > 1
        }
        let signed = try #require(try await world.gauge("domicile_audit_checkpoint_size", .euWest))
        let witnessed = try #require(try await world.gauge("domicile_audit_witnessed_size", .euWest))
        #expect(witnessed < signed)
        #expect(witnessed > 0)
        #expect(try await world.audit("verify", "--region", "eu-west").status == 4)
      }
      // Cosigned when they are back, though nothing more is recorded.
      try await waitForWitnesses(2, of: .euWest, world)
      try await eventually("the metrics say so") {
        try await world.gauge("domicile_audit_unwitnessed_seconds", .euWest) == 0
      }
      #expect(try await world.audit("verify", "--region", "eu-west").status == 0)
    }

    @Test func `witnesses that hang hold up no checkpoint, and it is told that they are too few`() async throws {
      let world = try await World.fragile()
      let app = try await world.app(.euWest)
      let regions = world.deployment.regions
      let subject = freshSubject()
      try await waitForWitnesses(2, of: .euWest, world)
      try await during {
        for region in [RegionID.usEast, .apSouth] { try await regions.pauseCoordinator(of: region) }
      } undoing: {
        for region in [RegionID.usEast, .apSouth] { await regions.resumeCoordinator(of: region) }
      } _: {
        try await app.register(subject)
        let receipt = try await app.put(subject, ["name": "E. U. Resident"]).receipt
        try await regions.waitForCheckpoint(of: .euWest, covering: receipt.index, witnessed: false)
        #expect(try await app.get(subject).record.value == ["name": "E. U. Resident"])
        #expect(try await world.gauge("domicile_audit_unpublished_seconds", .euWest) == 0)
        try await eventually(within: .seconds(20), "metrics and log say for how long") {
          let log = try String(contentsOfFile: regions.logFile(of: .euWest), encoding: .utf8)
          return try await (world.gauge("domicile_audit_unwitnessed_seconds", .euWest) ?? 0) > 5
            && log.contains("too few witnesses cosign this region's checkpoints")
        }
      }
      try await waitForWitnesses(2, of: .euWest, world)
      try await eventually("the metrics say so") {
        try await world.gauge("domicile_audit_unwitnessed_seconds", .euWest) == 0
      }
      try await world.expectWholeLog(.euWest)
    }
  }
}

extension World {
  /// Runs `body` while eu-west works from policies by which orders are released only with a record that witnesses have cosigned.
  func withWitnessedOrders(_ body: (_ app: Caller) async throws -> Void) async throws {
    let policies = deployment.path("policies-witnessed-\(UUID().uuidString)")
    try FileManager.default.copyItem(atPath: "\(deployment.sources)/policies", toPath: policies)
    let file = "\(policies)/collections.yaml"
    let text = try String(contentsOfFile: file, encoding: .utf8)
    let orders = "description: What the person ordered\n    locality: home\n    audit: strict"
    #expect(text.contains("\(orders)\n"))
    try text.replacing("\(orders)\n", with: "\(orders)_witness\n").write(toFile: file, atomically: true, encoding: .utf8)
    let app = try await app(.euWest)
    try await deployment.withCoordinator(of: .euWest, policies: policies) { try await body(app) }
  }
}

import ConnectRPC
import Coordinator
import DomicileAPI
import DomicileTestKit
import FaultLab
import Foundation
import Residency
import SwiftProtobuf
import Testing

extension Integration.Fragile {
  /// What is recorded is in the store, so calls go on while it cannot be published; but that is told, and what is missing is made again.
  @Suite struct LogFolderFailures {
    enum Fault: String, CaseIterable, CustomTestStringConvertible {
      case file = "a file in its place"
      case full = "a disk that is full"
      case readOnly = "a disk that takes no writes"

      var testDescription: String { rawValue }
      var mounts: Bool { self != .file }
    }

    @Test(arguments: Fault.allCases)
    func `while a log cannot be written calls go on, the time is told, and then it is whole`(_ fault: Fault) async throws {
      if fault.mounts { guard try await ScratchMount.isPossible() else { return } }
      let scene = try await FailureScene(try await World.fragile())
      #expect(try await scene.unpublished == 0)
      try await withFault(fault, scene) {
        try await eventually("metrics say so") {
          _ = try await scene.isOpen()
          return try await scene.unpublished > 0
        }
        let before = try await scene.unpublished
        #expect(try await scene.isOpen(), "calls go on")
        try await eventually("the time passes") { try await scene.unpublished > before + 1 }
        #expect(try await scene.unpublished < 60)
        #expect(try scene.says("the audit log cannot be published; calls go on being recorded"))
      }
      try await scene.expectPublication()
    }

    @Test func `a log's folder that is deleted, or an older one, is made again from the store`() async throws {
      let world = try await World.fragile()
      let scene = try await FailureScene(world)
      let folder = world.logFolder(.euWest)
      let older = world.deployment.path("older-\(UUID().uuidString)")
      try FileManager.default.copyItem(atPath: folder, toPath: older)
      try await grow(beyond: 600, scene)
      try await world.waitForCheckpoint(.euWest)

      try world.takeAway(folder)
      try await eventually("it is there again") { FileManager.default.fileExists(atPath: "\(folder)/checkpoint") }
      try await scene.expectPublication()
      try world.takeAway("\(folder)/tile")
      try await eventually("its tiles are there again") { FileManager.default.fileExists(atPath: "\(folder)/tile/0/001") }
      try await scene.expectPublication()
      // One that nobody misses until it is asked for.
      try world.takeAway("\(folder)/tile/0/001")
      let token = try await world.deployment.token("auditor:test", purposes: [], roles: [.auditor])
      let missing = try await world.get(.euWest, "/tile/0/001", token: token)
      #expect(missing.status == 503, "\(missing.text)")
      #expect(try missing.reason() == "AUDIT_UNAVAILABLE")
      try await eventually("it is there again") { try await world.get(.euWest, "/tile/0/001", token: token).status == 200 }
      // Narrower than any that was published.
      #expect(try await world.get(.euWest, "/tile/1/000.p/1", token: token).body.count == 32)
      try world.takeAway(folder, for: older)
      try await scene.expectPublication()
    }

    @Test func `tiles that are gone or damaged when a coordinator starts are made again from the store`() async throws {
      let world = try await World.fragile()
      let scene = try await FailureScene(world)
      let folder = world.logFolder(.euWest)
      await world.deployment.regions.stopCoordinator(of: .euWest)
      try FileManager.default.removeItem(atPath: "\(folder)/tile")
      try await world.deployment.regions.startCoordinator(of: .euWest)
      try await scene.expectPublication()
    }

    @Test func `rows that are not what was signed are not published in its place`() async throws {
      let world = try await World.fragile()
      let scene = try await FailureScene(world)
      try await world.waitForCheckpoint(.euWest)
      let folder = world.logFolder(.euWest)
      let flip = "UPDATE audit_leaf SET leaf_hash = set_byte(leaf_hash, 0, get_byte(leaf_hash, 0) # 1) WHERE index = 0"
      try await during {
        try await world.deployment.sql(.euWest, flip)
        try world.takeAway(folder)
      } undoing: {
        try await world.deployment.sql(.euWest, flip)
      } _: {
        try await eventually("it is told") { try scene.says("are not those that were signed") }
        #expect(try await scene.unpublished > 0)
        #expect(!FileManager.default.fileExists(atPath: folder))
      }
      try await scene.expectPublication()
    }

    @Test func `a collection that asks for witnesses is not released while its record cannot be published`() async throws {
      let world = try await World.fragile()
      let scene = try await FailureScene(world)
      try await world.withWitnessedOrders { app in
        try await app.put(scene.subject, "orders", "o-1", ["number": "n"])
        #expect(try await app.get(scene.subject, "orders", "o-1").record.value == ["number": "n"])
        try await withFault(.file, scene) {
          try await eventually("nothing has been published for a while") { try await scene.unpublished > 3 }
          let error = try await refusal { try await app.get(scene.subject, "orders", "o-1") }
          #expect(error.code == .unavailable)
          #expect(error.reason == "AUDIT_UNAVAILABLE")
          #expect(error.message.contains("cannot publish its log"), "\(error.message)")
          #expect(error.message.contains("domicile_audit_unpublished_seconds"))
          let proof = try await refusal { try await world.auditor(.euWest).inclusionProof(of: 0) }
          #expect(proof.reason == "AUDIT_UNAVAILABLE")
          #expect(try await scene.isOpen(), "others wait for nothing")
        }
        try await eventually(within: .seconds(30), "it is released again") {
          do { return try await app.get(scene.subject, "orders", "o-1").record.value == ["number": "n"] } catch is ConnectError {
            return false
          }
        }
      }
      try await scene.expectPublication()
    }

    private func withFault(_ fault: Fault, _ scene: FailureScene, _ body: () async throws -> Void) async throws {
      let folder = scene.world.logFolder(.euWest)
      switch fault {
      case .file:
        try await during {
          let file = scene.world.deployment.path("file-\(UUID().uuidString)")
          try Data().write(to: URL(filePath: file))
          try scene.world.takeAway(folder, for: file)
        } undoing: {
          try FileManager.default.removeItem(atPath: folder)
        } _: {
          try await body()
        }
      case .full:
        let disk = try await ScratchMount.over(folder, .memory(megabytes: 1))
        try await during {
          try await disk.fill()
        } undoing: {
          try await disk.drain()
          try await scene.expectPublication()
          // What was there before is there again, and is older.
          await disk.remove()
        } _: {
          try await body()
        }
      case .readOnly:
        let disk = try await ScratchMount.over(folder, .readOnly)
        try await during({}, undoing: { await disk.remove() }, body)
      }
    }

    /// So that there are whole tiles.
    private func grow(beyond size: UInt64, _ scene: FailureScene) async throws {
      let app = try await scene.world.app(.euWest)
      let items = (0..<50).map { _ in (subject: scene.subject, collection: "profile", key: "main") }
      while try await scene.world.logSize(.euWest) <= size { _ = try await app.batch(items) }
    }
  }
}

extension World {
  /// Removes a file or folder, though somebody is writing there, and puts another in its place.
  func takeAway(_ path: String, for other: String? = nil) throws {
    let away = deployment.path("away-\(UUID().uuidString)")
    try FileManager.default.moveItem(atPath: path, toPath: away)
    if let other { try FileManager.default.moveItem(atPath: other, toPath: path) }
    try FileManager.default.removeItem(atPath: away)
  }
}

extension FailureScene {
  var unpublished: Double {
    get async throws { try #require(try await world.gauge("domicile_audit_unpublished_seconds", .euWest)) }
  }

  /// Without a restart, the log of eu-west is published again as far as it reaches, and is whole.
  func expectPublication(sourceLocation: Testing.SourceLocation = #_sourceLocation) async throws {
    try await eventually(within: .seconds(20), sourceLocation: sourceLocation, "all is published") { try await unpublished == 0 }
    try await world.expectWholeLog(.euWest, holding: receipts, sourceLocation: sourceLocation)
  }
}

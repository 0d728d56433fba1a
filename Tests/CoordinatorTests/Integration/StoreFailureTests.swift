import ConnectRPC
import DomicileTestKit
import FaultLab
import Foundation
import Residency
import Testing

extension Integration.Fragile {
  /// Nothing is released without its record, whatever happens to the PostgreSQL that keeps it; and nothing that was recorded is lost.
  @Suite struct StoreFailures {
    @Test func `a PostgreSQL that is gone releases nothing, and has lost nothing when it is back`() async throws {
      let scene = try await FailureScene(try await World.fragile())
      let process = await scene.world.deployment.regions.processID(of: .euWest)
      let cluster = try #require(await scene.world.deployment.regions.cluster(of: .euWest))
      try await scene.underLoad {
        try await during({ try await cluster.stop(mode: .immediate) }, undoing: { try await cluster.start() }) {
          try await eventually("reads and writes are refused") { try await scene.isClosed(saying: "cannot be reached") }
          try await eventually("metrics say that nothing is published") { try await scene.unpublished > 0 }
        }
        try await expectRecovery(scene)
      }
      try await scene.expectPublication()
      try await scene.world.expectWholeLog(.usEast, holding: scene.receipts)
      #expect(await scene.world.deployment.regions.processID(of: .euWest) == process)
    }

    @Test func `a PostgreSQL that hangs keeps nobody waiting in vain, and releases nothing`() async throws {
      let scene = try await FailureScene(try await World.fragile())
      let cluster = try #require(await scene.world.deployment.regions.cluster(of: .euWest))
      try await during({ await cluster.pause() }, undoing: { await cluster.resume() }) {
        // Who comes first waits for as long as a silent PostgreSQL may still answer.
        async let first = scene.read(at: .euWest, within: .seconds(28))
        try await eventually(within: .seconds(20), "whoever comes later is refused") { try await scene.isClosed() }
        let began = ContinuousClock.now
        #expect(try await scene.isClosed())
        #expect(began.duration(to: .now) < .seconds(4), "they wait for nothing")
        #expect(try await scene.world.get(.euWest, "/readyz").status == 503)
        #expect(try scene.says("PostgreSQL does not answer"))
        let answer = try await first
        #expect(answer.status == 503)
        #expect(try answer.reason() == "AUDIT_UNAVAILABLE")
        try await eventually("metrics say that nothing is published") { try await scene.unpublished > 5 }
      }
      try await expectRecovery(scene)
      try await scene.expectPublication()
    }

    @Test(.enabled("it mounts a disk, which takes root", { try await ScratchMount.isPossible() }))
    func `a PostgreSQL whose disk is full releases nothing, and goes on when there is room`() async throws {
      let scene = try await FailureScene(try await World.fragile())
      let cluster = try #require(await scene.world.deployment.regions.cluster(of: .euWest))
      try await scene.world.withSmallDisk(under: cluster) { disk in
        try await eventually("its coordinator has found it there") { try await scene.isOpen() }
        try await scene.underLoad {
          try await during({ try await disk.fill() }, undoing: { try await disk.drain() }) {
            try await eventually("reads and writes are refused") { try await scene.isClosed(saying: "has no room") }
          }
          try await expectRecovery(scene)
          // Where there is no room for its own log either, PostgreSQL ends.
          try await during({ try await disk.fill() }, undoing: { try await disk.drain() }) {
            try await eventually(within: .seconds(20), "PostgreSQL ends") {
              _ = try? await scene.world.deployment.sql(.euWest, "SELECT pg_switch_wal()")
              return !cluster.isRunning
            }
            try await eventually("reads and writes are refused") { try await scene.isClosed() }
          }
          try await cluster.start()
          try await expectRecovery(scene)
        }
        try await scene.expectPublication()
      }
    }

    /// By itself: nothing is restarted.
    private func expectRecovery(_ scene: FailureScene) async throws {
      try await eventually(within: .seconds(20), "the record is released again") { try await scene.isOpen() }
    }
  }
}

extension FailureScene {
  /// Runs `body` while others write, and asserts that nothing of what they were told was done is lost.
  func underLoad(_ body: () async throws -> Void) async throws {
    let europe = try await world.app(.euWest)
    let journal = Journal()
    let writers = try await Writers.start(4, at: europe, in: journal)
    let result: Result<Void, any Error>
    do {
      try await eventually("writes are acknowledged") { await journal.acknowledged > 20 }
      result = .success(try await body())
    } catch {
      result = .failure(error)
    }
    await writers.stop()
    try result.get()
    for failure in await journal.failures {
      #expect(failure.code == .unavailable, "\(failure)")
      #expect(["AUDIT_UNAVAILABLE", "OUTCOME_UNKNOWN"].contains(failure.reason), "\(failure)")
    }
    try await journal.expectNothingLost(europe)
  }
}

extension World {
  /// Runs `body` while a PostgreSQL keeps its data on a disk of its own, with little room.
  func withSmallDisk(under cluster: PrivatePostgres, _ body: (ScratchMount) async throws -> Void) async throws {
    let folder = deployment.path("disk-\(UUID().uuidString)")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let data = cluster.dataFolder
    try await cluster.stop()
    let size = try await ChildProcess.run(["/usr/bin/du", "-sm", data], in: "/").text.split(separator: "\t").first.flatMap {
      Int($0)
    }
    let disk = try await ScratchMount.over(folder, .memory(megabytes: try #require(size) + 48))
    try await during {
      try await ScratchMount.run(
        #"cp -a --sparse=never "$1" "$2/data" && mv "$1" "$1.away" && ln -s "$2/data" "$1""#, data, folder)
      try await cluster.start()
    } undoing: {
      try await cluster.stop()
      try await ScratchMount.run(
        #"[ -h "$1" ] || exit 0; rm "$1" && cp -a --sparse=never "$2/data" "$1" && rm -rf "$1.away""#, data, folder)
      await disk.remove()
      try await cluster.start()
    } _: {
      try await body(disk)
    }
  }
}

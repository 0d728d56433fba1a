import Cryptography
import Directory
import DomicileTestKit
import FaultLab
import Postgres
import Testing

@testable import RegionStore

/// Hazards 1 and 2: the wait for the standby ends before the standby has the commit.
extension HazardTests {
  @Test func `hazard 1: a cancelled wait says success; to the store it is neither success nor failure`() async throws {
    try await HazardScene.withShared { scene in
      try await TestStore.with(on: scene.primary) { test in
        let subject = try tag(1)
        try await test.register(subject)
        try await test.sql("CREATE TABLE plain (a int)")
        let address = test.address(subject)
        try await scene.whileStandbyIsPaused {
          let plain = Plain(test.dsn, "INSERT INTO plain VALUES (1)")
          for process in try await scene.awaitWaiting(Plain.name) { try await scene.run("SELECT pg_cancel_backend(\(process))") }
          let output = try await plain.task.value
          #expect(output.status == 0)
          #expect(output.text.contains("INSERT 0 1"))
          #expect(output.text.contains("canceling wait for synchronous replication"))
          #expect(try await test.value("SELECT count(*) FROM plain") == 1)

          let write = Task { try await test.put("v", at: address) }
          for process in try await scene.awaitWaiting("test") { try await scene.run("SELECT pg_cancel_backend(\(process))") }
          await #expect(throws: StoreError.indeterminate) { try await write.value }
          #expect(try await test.value("SELECT count(*) FROM record") == 1)

          // It is there to be seen, and is not shown: the read's own leaf would have to be replicated first.
          let read = Task { try await test.get(address) }
          for process in try await scene.awaitWaiting("test") { try await scene.run("SELECT pg_cancel_backend(\(process))") }
          await #expect(throws: StoreError.indeterminate) { try await read.value }
        }
        #expect(try await test.get(address)?.version == 1)
      }
    }
  }

  @Test func `hazard 1: a peer's log counts as held only once the standby holds it, too`() async throws {
    var limits = GroupCommitter.Limits()
    limits.silenceMax = .seconds(2)
    try await HazardScene.withShared { scene in
      try await TestStore.with("us-east") { peer in
        try await TestStore.with(on: scene.primary, limits: limits) { test in
          try await peer.register(try tag(1))
          guard case .batch(let batch) = try await peer.store.logBatch(of: peer.log, from: 1, entriesMax: 10) else {
            Issue.record("there is no batch")
            return
          }
          let end = LogPosition(log: peer.log, seq: 1)
          try await scene.whileStandbyIsPaused {
            // Applied, and once more: it stands there by then.
            await #expect(throws: StoreError.indeterminate) { try await apply(batch, to: test, cancellingIn: scene) }
            let written = try await test.value("SELECT count(*) FROM directory_log")
            #expect(written == 1)
            await #expect(throws: StoreError.indeterminate) { try await apply(batch, to: test, cancellingIn: scene) }
          }
          #expect(try await test.store.apply(batch) == .alreadyApplied(end))
        }
      }
    }
  }

  /// Whatever waits for the standby meanwhile is cancelled.
  private func apply(_ batch: LogBatch, to test: TestStore, cancellingIn scene: HazardScene) async throws {
    let canceller = Task {
      while !Task.isCancelled {
        for process in try await scene.waiting("test") { try await scene.run("SELECT pg_cancel_backend(\(process))") }
      }
    }
    defer { canceller.cancel() }
    _ = try await test.store.apply(batch)
  }

  @Test func `hazard 2: a session or server that ends during the wait leaves a commit; a repeat with its id settles it`()
    async throws
  {
    for crashes in [false, true] {
      try await HazardScene.withShared { scene in
        try await TestStore.with(on: scene.primary) { test in
          let subject = try tag(1)
          try await test.register(subject)
          try await test.sql("CREATE TABLE plain (a int)")
          let address = test.address(subject)
          let key = SHA256.hash([crashes ? 2 : 1])
          await scene.standby.pause()
          let plain = Plain(test.dsn, "INSERT INTO plain VALUES (1)")
          let write = Task { try await test.putOnce("v", at: address, key: key) }
          let processes = try await scene.awaitWaiting(Plain.name) + scene.awaitWaiting("test")
          if crashes {
            await scene.primary.kill()
            try await scene.primary.start()
          } else {
            for process in processes { try await scene.run("SELECT pg_terminate_backend(\(process), 5000)") }
          }
          #expect(try await plain.task.value.status != 0)
          await #expect(throws: StoreError.indeterminate) { try await write.value }
          // Told that it failed, and there it is, although the standby has seen nothing yet.
          #expect(try await test.value("SELECT count(*) FROM plain") == 1)
          #expect(try await test.value("SELECT count(*) FROM record WHERE version = 1") == 1)

          await scene.standby.resume()
          try await scene.replicas.replicaSet.awaitStreaming()
          let receipt = try await test.putOnce("v", at: address, key: key)
          #expect(try await test.store.leaves(from: receipt.index, count: 1).first?.row == Array("once".utf8))
          #expect(try await test.get(address)?.version == 1)
        }
      }
    }
  }
}

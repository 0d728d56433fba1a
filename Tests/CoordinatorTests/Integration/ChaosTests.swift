import ConnectRPC
import Coordinator
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
  @Suite struct Chaos {
    @Test func `a coordinator that is killed in the middle of writes loses none that it acknowledged`() async throws {
      let world = try await World.fragile()
      let europe = try await world.app(.euWest)
      let journal = Journal()
      let writers = try await Writers.start(16, at: europe, in: journal, stopsAtFailure: true)
      // Other tests start whole deployments meanwhile.
      try await eventually(within: .seconds(30), "writes are acknowledged") { await journal.acknowledged > 200 }
      await world.deployment.regions.killCoordinator(of: .euWest)
      await writers.finish()
      #expect(await !journal.failures.isEmpty, "calls in flight were cut off")
      try await world.deployment.regions.startCoordinator(of: .euWest)

      try await journal.expectNothingLost(europe)
      try await world.expectDenseLog(.euWest)
      try await world.waitForCheckpoint(.euWest)
      let verified = try await world.audit("verify", "--region", "eu-west")
      #expect(verified.status == 0, "\(verified.output)")
    }

    @Test func `a coordinator that is told to stop finishes what is in flight`() async throws {
      let world = try await World.fragile()
      let europe = try await world.app(.euWest)
      let cluster = try #require(await world.deployment.regions.cluster(of: .euWest))
      let subjects = (0..<16).map { _ in freshSubject("flight") }
      for subject in subjects { try await europe.register(subject) }

      // Nothing commits while another session holds the head.
      let blocker = try await PostgresConnection.connect(
        PostgresConfiguration(dsn: cluster.dsn(database: "domicile"), applicationName: "blocker"), logger: Logger(label: "test"))
      _ = try await blocker.execute(Statement("begin", "BEGIN"))
      _ = try await blocker.execute(Statement("hold", "SELECT 1 FROM head FOR UPDATE"))
      let calls = subjects.map { subject in Task { try await europe.put(subject, ["name": "in flight"]) } }
      try await eventually("all of them have arrived") { try await callsInFlight(world) >= 16 }
      let stop = Task { await world.deployment.regions.stopCoordinator(of: .euWest) }
      try await eventually("it takes no more calls") {
        do {
          _ = try await world.fresh(.euWest) { try await $0.regions() }
          return false
        } catch is ConnectError {
          return true
        }
      }
      _ = try await blocker.execute(Statement("commit", "COMMIT"))
      await blocker.close()

      for call in calls {
        switch await call.result {
        case .success(let answer): #expect(answer.version == 1)
        case .failure(let error): Issue.record("a call in flight was not answered: \(error)")
        }
      }
      await stop.value
      try await world.deployment.regions.startCoordinator(of: .euWest)
      for subject in subjects { #expect(try await europe.get(subject).record.value == ["name": "in flight"]) }
      try await world.expectDenseLog(.euWest)
    }

    @Test func `under load, a stop answers every write that it does, and signs all that it recorded`() async throws {
      let world = try await World.fragile()
      let europe = try await world.app(.euWest)
      let journal = Journal()
      let writers = try await Writers.start(16, at: europe, in: journal, stopsAtFailure: true)
      try await eventually("writes are acknowledged") { await journal.acknowledged > 200 }
      await world.deployment.regions.stopCoordinator(of: .euWest)
      await writers.finish()
      for failure in await journal.failures { #expect(failure.code == .unavailable, "\(failure)") }
      let size = try await world.logSize(.euWest)
      let published = try String(contentsOfFile: "\(world.deployment.state.folder(of: .euWest))/log/checkpoint", encoding: .utf8)
      try await world.deployment.regions.startCoordinator(of: .euWest)
      try await journal.expectNothingLost(europe)
      try await world.expectDenseLog(.euWest)

      for (address, last) in await journal.written {
        let record = try await europe.get(address.subject, "profile", address.key).record
        #expect(record.version == last.version, "\(address.key): a write was done and its caller not told")
      }
      #expect(published.split(separator: "\n")[1] == "\(size)", "all that it recorded is under its last checkpoint")
    }

    private func callsInFlight(_ world: World) async throws -> Int {
      let text = try await world.get(.euWest, "/metrics").text
      let line = text.split(separator: "\n").first { $0.hasPrefix("domicile_rpc_calls_in_flight") }
      return line?.split(separator: " ").last.flatMap { Double($0) }.map { Int($0) } ?? 0
    }
  }
}

extension World {
  /// Calls on a connection that nobody has used before.
  func fresh<Answer: Sendable>(_ region: RegionID, _ call: (Caller) async throws -> Answer) async throws -> Answer {
    let client = try ConnectClient(
      baseURL: try url(region), tls: ClientTLS(trustRootsPEMPath: deployment.state.authority.certificate),
      limits: Self.patient)
    let token = try await deployment.token()
    do {
      let answer = try await call(Caller(client: client, region: region, token: token))
      try await client.shutdown()
      return answer
    } catch {
      try await client.shutdown()
      throw error
    }
  }
}

import ConnectRPC
import Coordinator
import DomicileAPI
import DomicileTestKit
import Foundation
import Residency
import Testing

@testable import FaultLab

/// Regions join, are drained, and leave, by the commands that an operator uses.
@Suite struct MembershipTests {
  private struct Scene {
    let regions: LabRegions
    let programs: TestPrograms
    let folder: DisposableFolder
    private let guardians: [Guardian]
    var clients: [PartitionClient] = []

    init() async throws {
      programs = try TestPrograms()
      folder = try DisposableFolder()
      let regions = try await LabRegions(
        count: 4, folder: folder.path, program: programs.domicile, policies: "\(TestPrograms.sources)/policies", report: { _ in })
      self.regions = regions
      guardians = try regions.catalog.regions.flatMap { region in
        try PrivateReplicaSet.folders(in: regions.state.folder(of: region.id), standbys: 0).map { folder in
          try Guardian(of: folder, removesFolder: true)
        }
      }
      try set("joining", of: 4)
    }

    func end() async {
      for client in clients { await client.shutdown() }
      await regions.stop()
      for guardian in guardians { await guardian.finish() }
      folder.remove()
    }

    func file(_ number: Int) -> String { "\(folder.path)/regions/lab-\(number).yaml" }

    func set(_ status: String, of number: Int) throws {
      let text = try String(contentsOfFile: file(number), encoding: .utf8)
      try text.replacing("jurisdiction: IE\n", with: "jurisdiction: IE\nstatus: \(status)\n").write(
        toFile: file(number), atomically: true, encoding: .utf8)
    }

    func status(_ number: Int) throws -> String? {
      try String(contentsOfFile: file(number), encoding: .utf8).split(separator: "\n").first { $0.hasPrefix("status:") }
        .map { String($0.dropFirst("status: ".count)) }
    }

    func run(_ words: String...) async throws -> ChildProcess.Output {
      try await ChildProcess.run(
        [programs.domicile, "region"] + words + ["--regions", "\(folder.path)/regions", "--state", regions.state.path],
        in: folder.path)
    }

    func restart(_ numbers: [Int]) async throws {
      for number in numbers {
        await regions.deployment.stopCoordinator(of: id(number))
        try await regions.deployment.startCoordinator(of: id(number))
      }
    }

    func sql(_ number: Int, _ text: String) async throws {
      let dsn = try #require(await regions.deployment.cluster(of: id(number))).dsn(database: "domicile")
      let output = try await ChildProcess.run(["psql", "-X", "-v", "ON_ERROR_STOP=1", "-c", text, dsn], in: folder.path)
      try #require(output.status == 0, "\(output.text)")
    }

    func id(_ number: Int) -> RegionID { regions.catalog.regions[number - 1].id }
  }

  private func reason(_ body: () async throws -> some Sendable) async throws -> String? {
    do {
      _ = try await body()
      return nil
    } catch let error as ConnectError {
      return error.reason
    }
  }

  @Test(.timeLimit(.minutes(5)))
  func `a region joins, another is drained and retired, and a lost one is given up`() async throws {
    var scene = try await Scene()
    let result: Result<Void, any Error>
    do {
      try await scene.regions.deployment.start()
      for region in scene.regions.catalog.regions { scene.clients.append(try await PartitionClient(region, scene.regions)) }
      result = .success(try await joinAndLeave(scene))
    } catch {
      result = .failure(error)
    }
    await scene.end()
    try result.get()
  }

  private func joinAndLeave(_ scene: Scene) async throws {
    let (first, third, fourth) = (scene.clients[0], scene.clients[2], scene.clients[3])
    let patience = Duration.seconds(20)
    for number in 0..<50 { _ = try await first.register("before-\(number)", timeout: patience) }
    _ = try await third.register("lost", timeout: patience)

    // It takes over the directory, and nobody new.
    let early = try await reason { try await fourth.register("early", timeout: patience) }
    #expect(early == "REGION_NOT_ACTIVE")
    // It counts for nobody's quorum, and asks those who do.
    let asked = try await fourth.locate("before-1", level: .all, timeout: patience)
    #expect(asked.homeRegion == "lab-1")
    #expect(asked.evidence.regions == 3)
    let joined = try await scene.run("join", "lab-4", "--wait", "60")
    #expect(joined.status == 0, "\(joined.text)")
    #expect(try scene.status(4) == "active")
    try await scene.restart([1, 2, 3, 4])
    #expect(try await fourth.locate("before-7", timeout: patience).homeRegion == "lab-1")
    #expect(try await scene.run("join", "lab-4").status == 5)

    // Drained, it serves who is there, takes nobody new, and cannot be retired before the last has moved.
    _ = try await scene.clients[1].register("stays", timeout: patience)
    #expect(try await scene.run("retire", "lab-2").status == 5)
    #expect(try await scene.run("drain", "lab-2").status == 0)
    #expect(try await scene.run("drain", "lab-4").status == 0)
    try await scene.restart([1, 2, 3, 4])
    #expect(try await reason { try await scene.clients[1].register("late", timeout: patience) } == "REGION_NOT_ACTIVE")
    #expect(try await scene.clients[1].locate("stays", timeout: patience).homeRegion == "lab-2")
    let occupied = try await scene.run("retire", "lab-2")
    #expect(occupied.status == 5)
    #expect(occupied.text.contains("1 subjects are at home in lab-2"))

    // A registration that it took for another region, and has yet to pass on, keeps it.
    try await scene.sql(
      4,
      "INSERT INTO workflow (kind, id, sealed, started_at, due_at) VALUES ('intent', 'a', 'b', now(), now() + interval '1 hour')")
    let owing = try await scene.run("retire", "lab-4")
    #expect(owing.status == 5)
    #expect(owing.text.contains("has yet to pass on 1 registrations"))
    try await scene.sql(4, "DELETE FROM workflow")

    // Nobody is at home in the fourth, so it goes once all hold its log.
    var retired = try await scene.run("retire", "lab-4")
    for _ in 0..<30 where retired.status != 0 {
      try await Task.sleep(for: .seconds(1))
      retired = try await scene.run("retire", "lab-4")
    }
    #expect(retired.status == 0, "\(retired.text)")
    await scene.regions.deployment.stopCoordinator(of: scene.id(4))
    try await scene.restart([1, 2, 3])
    // All regions are three now: nobody waits for the fourth.
    _ = try await first.register("known to all", level: .all, timeout: patience)

    // A region that answers is not lost; one that does not is given up, and its subjects with it.
    #expect(try await scene.run("retire", "lab-3", "--lost").status == 5)
    await scene.regions.deployment.killCoordinator(of: scene.id(3))
    var lost = try await scene.run("retire", "lab-3", "--lost")
    // Whoever heard from it within seconds says so.
    for _ in 0..<30 where lost.status != 0 {
      try await Task.sleep(for: .seconds(1))
      lost = try await scene.run("retire", "lab-3", "--lost")
    }
    #expect(lost.status == 0, "\(lost.text)")
    #expect(lost.text.contains("1 subjects were at home there"))
    try await scene.restart([1, 2])
    #expect(try await reason { try await first.get("lost", timeout: patience) } == "REGION_RETIRED")
    #expect(try await reason { try await first.register("lost", timeout: patience) } == "SUBJECT_EXISTS")
    _ = try await first.register("known to both", level: .all, timeout: patience)
  }
}

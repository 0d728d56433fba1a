import ConnectRPC
import Coordinator
import Directory
import DomicileAPI
import Residency

/// What a laboratory of partitions does.
package struct PartitionPlan: Sendable {
  package var partitions: [Partition]
  /// How long each is held.
  package var held: Duration
  /// How every link is, cut or not.
  package var link: LinkCondition
  package var seed: UInt64

  package init(partitions: [Partition], held: Duration, link: LinkCondition, seed: UInt64) {
    self.partitions = partitions
    self.held = held
    self.link = link
    self.seed = seed
  }
}

/// Cuts real regions off from each other, and checks what the directory promises: every region reads and writes its own copy on every side
/// of every partition, of people and of documents; nothing acknowledged is lost; a session is shown no less than it has seen; copies converge once the links heal;
/// version vectors never go back; and who was registered on two sides is contested, with both accounts served.
package struct PartitionLaboratory: Sendable {
  let plan: PartitionPlan
  let regions: LabRegions
  let report: @Sendable (String) -> Void

  package enum Failure: Error, CustomStringConvertible {
    case noLinks

    package var description: String { "the regions of this laboratory reach each other without links that could be cut" }
  }

  package init(_ plan: PartitionPlan, on regions: LabRegions, report: @escaping @Sendable (String) -> Void) {
    self.plan = plan
    self.regions = regions
    self.report = report
  }

  private static let knownCount = 20
  private static let patience = Duration.seconds(10)

  /// The regions must have been started.
  package func run() async throws -> PartitionReport {
    guard let links = regions.links else { throw Failure.noLinks }
    let scene = try await PartitionScene(regions)
    var result = PartitionReport(regions: regions.catalog.regions.count, link: plan.link)
    do {
      let known = try await prepare(scene)
      for (index, partition) in plan.partitions.enumerated() {
        report("\(partition.rawValue): held for \(plan.held) …")
        let outcome = try await run(partition, number: index, known, scene, links)
        let converged = outcome.converged.map { "converged in \(Int($0 / .milliseconds(1))) ms" } ?? "NOT CONVERGED"
        report("\(partition.rawValue): \(outcome.registrations) registered, \(outcome.violations.count) violations, \(converged)")
        result.outcomes.append(outcome)
      }
    } catch {
      await scene.close()
      throw error
    }
    await scene.close()
    return result
  }

  /// Somebody of every region whom all know.
  private func prepare(_ scene: PartitionScene) async throws -> [(subject: String, home: RegionID)] {
    let ledger = PartitionLedger()
    for client in scene.clients {
      for number in 0..<Self.knownCount {
        let subject = "known-\(client.region)-\(number)"
        _ = try await client.register(subject, timeout: Self.patience)
        ledger.registered(subject, in: client.region)
      }
    }
    _ = try await scene.converge(on: ledger.tally.registered, contested: [])
    return ledger.tally.registered.map { ($0.key, $0.value) }
  }

  private func run(
    _ partition: Partition, number: Int, _ known: [(subject: String, home: RegionID)], _ scene: PartitionScene, _ links: LinkRelay
  ) async throws -> PartitionOutcome {
    let ids = regions.catalog.regions.map(\.id)
    let ledger = PartitionLedger()
    let watching = Task { await scene.watchVectors(ledger) }
    var twice: Set<String> = []
    await withTaskGroup(of: Void.self) { group in
      for (index, client) in scene.clients.enumerated() {
        let load = PartitionLoad(
          name: "\(partition.rawValue)-\(number)", client: client, document: Self.document(partition, number),
          others: scene.clients.filter { $0.region != client.region },
          ledger: ledger, known: known, seed: plan.seed &+ UInt64(number * 100 + index))
        group.addTask { await load.run() }
      }
      await hold(partition, ids, links)
      if let groups = partition.groups(of: ids) {
        twice = await registerTwice(groups, "\(partition.rawValue)-\(number)", scene, ledger)
        await askForQuorums(groups, "\(partition.rawValue)-\(number)", scene, ledger)
      }
      group.cancelAll()
    }
    links.cut([])
    let healed = ContinuousClock.now
    let converged = try await scene.converge(on: ledger.tally.registered, contested: twice)
    watching.cancel()
    await watching.value
    if converged == nil { ledger.violation("the copies are not the same after \(PartitionScene.patience)") }
    await scene.checkContests(twice, ledger)
    await scene.checkDocument(Self.document(partition, number), ledger)
    return outcome(of: partition, ledger.tally, contested: twice.count, converged: converged.map { healed.duration(to: $0) })
  }

  private static func document(_ partition: Partition, _ number: Int) -> String { "\(partition.rawValue)-\(number)" }

  private func hold(_ partition: Partition, _ ids: [RegionID], _ links: LinkRelay) async {
    let cuts = partition.cuts(among: ids)
    guard partition == .flapping else {
      links.cut(cuts)
      try? await Task.sleep(for: plan.held)
      return
    }
    let end = ContinuousClock.now + plan.held
    var isCut = true
    while .now < end {
      links.cut(isCut ? cuts : [])
      isCut.toggle()
      try? await Task.sleep(for: .milliseconds(200))
    }
  }

  /// One person in the first two groups: both must be able to.
  private func registerTwice(
    _ groups: [[RegionID]], _ name: String, _ scene: PartitionScene, _ ledger: PartitionLedger
  ) async -> Set<String> {
    let subject = "\(name)-twice"
    for region in groups.prefix(2).compactMap(\.first) {
      guard let client = scene[region] else { continue }
      do throws(ConnectError) { _ = try await client.register(subject, timeout: Self.patience) } catch {
        ledger.violation("\(region): somebody registered elsewhere meanwhile could not be: \(error.reason ?? "")")
      }
    }
    return [subject]
  }

  /// Where most regions are together a registration is confirmed by most of them; elsewhere it is said not to be.
  private func askForQuorums(
    _ groups: [[RegionID]], _ name: String, _ scene: PartitionScene, _ ledger: PartitionLedger
  ) async {
    let most = regions.catalog.regions.count / 2 + 1
    for (index, group) in groups.enumerated() {
      guard let region = group.first, let client = scene[region] else { continue }
      let subject = "\(name)-quorum-\(index)"
      do throws(ConnectError) {
        _ = try await client.register(subject, level: .quorum, timeout: Self.patience)
        ledger.registered(subject, in: region)
        ledger.update { $0.quorumConfirmed += 1 }
        if group.count < most { ledger.violation("\(region): confirmed by most regions, though most are out of reach") }
      } catch {
        ledger.registered(subject, in: region)
        ledger.update { $0.quorumUnconfirmed += 1 }
        if error.reason != "UNCONFIRMED" || group.count >= most {
          ledger.violation("\(region): not confirmed among \(group.count) regions: \(error.reason ?? error.code.rawValue)")
        }
      }
    }
  }

  private func outcome(
    of partition: Partition, _ tally: PartitionLedger.Tally, contested: Int, converged: Duration?
  ) -> PartitionOutcome {
    var outcome = PartitionOutcome(partition)
    outcome.registrations = tally.registered.count
    outcome.lookUps = tally.lookUps
    outcome.documentWrites = tally.document.acknowledged.count
    outcome.sessionsServed = tally.sessionsServed
    outcome.sessionsStale = tally.sessionsStale
    outcome.sessionsUnanswered = tally.sessionsUnanswered
    outcome.quorumConfirmed = tally.quorumConfirmed
    outcome.quorumUnconfirmed = tally.quorumUnconfirmed
    outcome.contested = contested
    outcome.converged = converged
    outcome.violations = tally.violations
    return outcome
  }
}

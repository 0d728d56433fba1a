import FoundationEssentials

/// One fault done to a cluster, and undone. Whoever calls keeps the order: ``strike()``, ``hold(for:)``, ``undo()``.
struct FaultScene {
  struct NotInForce: Error, CustomStringConvertible {
    let description: String
  }

  private let fault: Fault
  private let cluster: FaultCluster
  private let relay: CommitRelay
  private let region: PatroniRegion
  /// The nodes that were struck.
  private var nodes: [String] = []
  /// What happened, for people: `n1 → n3`.
  private(set) var effect = ""

  /// The cluster has been started.
  init(_ fault: Fault, on cluster: FaultCluster) async throws {
    guard let relay = await cluster.relay else { throw NotInForce(description: "the cluster has no relay") }
    self.fault = fault
    self.cluster = cluster
    self.relay = relay
    region = cluster.region
  }

  /// Returns when the fault is in force.
  mutating func strike() async throws {
    switch fault {
    case .primaryKilled: nodes = [try await region.fault("kill", "leader")]
    case .primaryLost: nodes = [try await region.fault("kill", "leader", "--node")]
    case .primaryCut: nodes = [try await region.fault("cut", "leader", "--from-peers")]
    case .primaryDeposed:
      nodes = [try await region.fault("cut", "leader", "--from-peers")]
      for node in nodes { try await region.fault("pause", node, "--agents") }
    case .primaryPaused: nodes = [try await region.fault("pause", "leader")]
    case .machinePaused:
      nodes = [try await region.fault("pause", "leader")]
      try await cluster.coordinators[0].pause()
    case .diskFull: nodes = [try await region.fault("fill", "leader")]
    case .standbyLost:
      nodes = Array(try await standbys().prefix(1))
      for node in nodes { try await region.fault("kill", node, "--node") }
      effect = "\(nodes.joined(separator: ", ")) lost"
    case .standbysLost:
      nodes = try await standbys()
      for node in nodes { try await region.fault("kill", node, "--database") }
      effect = "\(nodes.joined(separator: ", ")) lost"
    case .acknowledgementLost: relay.loseNextAcknowledgement()
    case .coordinatorKilled:
      let coordinators = await cluster.coordinators
      await coordinators[0].kill()
      effect = "'\(coordinators[0].name)' lost"
    }
  }

  /// Keeps the fault in force for `duration` after its effect has been seen.
  /// - Throws: ``NotInForce`` where it has none.
  mutating func hold(for duration: Duration) async throws {
    if fault.changesLeader {
      let next = try await region.leader(not: nodes[0])
      effect = "\(nodes[0]) → \(next)"
    }
    switch fault {
    case .standbyLost, .standbysLost: try await expectStopped()
    case .acknowledgementLost: return try await loseAcknowledgements(for: duration)
    case .coordinatorKilled:
      guard await !cluster.coordinators[0].isRunning else {
        throw NotInForce(description: "the coordinator that was killed runs on")
      }
    default: break
    }
    try await Task.sleep(for: duration)
  }

  /// Returns when everything is as it was, and the region is healthy.
  func undo() async throws {
    switch fault {
    case .primaryKilled: break
    case .acknowledgementLost: relay.loseNothing()
    case .primaryLost, .standbyLost, .standbysLost: for node in nodes { try await region.fault("start", node) }
    case .primaryCut: for node in nodes { try await region.fault("heal", node) }
    case .primaryDeposed:
      for node in nodes {
        try await region.fault("resume", node)
        try await region.fault("heal", node)
      }
    case .primaryPaused: for node in nodes { try await region.fault("resume", node) }
    case .machinePaused:
      await cluster.coordinators[0].resume()
      for node in nodes { try await region.fault("resume", node) }
    case .diskFull: for node in nodes { try await region.fault("drain", node) }
    case .coordinatorKilled:
      let coordinator = await cluster.coordinators[0]
      try await coordinator.start()
      try await coordinator.waitUntilReady()
    }
    try await region.waitUntilHealthy()
  }

  private func standbys() async throws -> [String] {
    try await region.nodes().filter { $0.role == "standby" }.map(\.name)
  }

  private func expectStopped() async throws {
    for node in try await region.nodes() where nodes.contains(node.name) && node.role != "stopped" {
      throw NotInForce(description: "\(node.name) was killed, and is \(node.role)")
    }
    guard !nodes.isEmpty else { throw NotInForce(description: "there was no standby to kill") }
  }

  /// One after the other, each when the last was lost.
  private mutating func loseAcknowledgements(for duration: Duration) async throws {
    let limit = ContinuousClock.now + duration
    let before = relay.lostCount
    var seen = before
    while ContinuousClock.now < limit {
      try await Task.sleep(for: .milliseconds(20))
      guard relay.lostCount > seen else { continue }
      seen = relay.lostCount
      // Time to open another connection, and to commit something in peace.
      try await Task.sleep(for: .milliseconds(60))
      relay.loseNextAcknowledgement()
    }
    guard seen > before else {
      throw NotInForce(description: "no acknowledgement was lost: nothing was committed through the relay")
    }
    effect = "\(seen) lost"
  }
}

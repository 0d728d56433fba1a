package import FaultLab

/// A real PostgreSQL cluster with streaming standbys in a temporary folder, on Unix sockets. It ends with this process, however
/// that ends, and nothing of it stays.
package final class ThrowawayReplicaSet: Sendable {
  package let replicaSet: PrivateReplicaSet
  private let guardians: [Guardian]

  package var primary: PrivatePostgres { replicaSet.primary }
  package var standbys: [PrivatePostgres] { replicaSet.standbys }

  private init(_ replicaSet: PrivateReplicaSet, _ guardians: [Guardian]) {
    self.replicaSet = replicaSet
    self.guardians = guardians
  }

  /// Starts the set, and returns when every standby streams.
  ///
  /// - Parameters:
  ///   - standbys: Synchronous, `ANY 1`, unless the settings say otherwise.
  ///   - settings: Server settings by name, over this type's own.
  package static func start(standbys: Int = 1, settings: [String: String] = [:]) async throws -> ThrowawayReplicaSet {
    let folder = try ThrowawayPostgres.temporaryFolder()
    let guardians = try PrivateReplicaSet.folders(in: folder, standbys: standbys).map {
      try Guardian(of: $0, removesFolder: true, removesEmptyParent: true)
    }
    do {
      let defaults = ["max_connections": "100", "dynamic_shared_memory_type": "mmap"]
      let set = try await PrivateReplicaSet.create(
        at: folder, standbys: standbys, settings: defaults.merging(settings) { _, given in given })
      try await set.start()
      return ThrowawayReplicaSet(set, guardians)
    } catch {
      for guardian in guardians { await guardian.finish() }
      throw error
    }
  }

  /// Ends the servers and removes their folder.
  package func remove() async {
    for guardian in guardians { await guardian.finish() }
  }
}

/// Runs `body` with a set of its own, which is gone afterwards.
package func withThrowawayReplicaSet<R>(
  standbys: Int = 1, settings: [String: String] = [:], isolation: isolated (any Actor)? = #isolation,
  _ body: (ThrowawayReplicaSet) async throws -> R
) async throws -> R {
  let replicas = try await ThrowawayReplicaSet.start(standbys: standbys, settings: settings)
  do {
    let value = try await body(replicas)
    await replicas.remove()
    return value
  } catch {
    await replicas.remove()
    throw error
  }
}

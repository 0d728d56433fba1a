import FoundationEssentials
import Residency

/// A highly available region on this machine: three nodes with PostgreSQL, Patroni and etcd, as `deploy/patroni/region` runs them. It is
/// removed when this process ends, however it ends.
package actor PatroniRegion {
  /// A node as `region status` sees it.
  package struct Node: Sendable, Hashable {
    package let name: String
    /// `leader`, `standby`, `stopped`, `paused` …
    package let role: String
    package let host: String
    package let port: Int
  }

  package enum Failure: Error, CustomStringConvertible {
    /// Patroni comes from PyPI, and this machine does not reach it.
    case notInstallable(log: String)
    case statusUnreadable

    package var description: String {
      switch self {
      case .notInstallable(let log): "Patroni could not be installed: see \(log)"
      case .statusUnreadable: "the region's status is not what this program can read"
      }
    }
  }

  private let script: RegionScript
  private let guardian: Guardian
  private let name: String

  /// Starts nothing yet.
  /// - Parameters:
  ///   - script: the path of `deploy/patroni/region`.
  ///   - folder: the region's own; it is removed at the end.
  ///   - log: a file to which the script's messages are appended.
  init(name: String, script: String, folder: String, log: String) throws {
    self.name = name
    self.script = RegionScript(path: script, folder: folder, log: log)
    guardian = try Guardian(
      script: """
        trap '' INT TERM HUP QUIT
        read -r _
        exec "$1" down --purge --dir "$2"
        """, [script, folder])
  }

  /// What the script ends with where Patroni cannot be installed: `EX_UNAVAILABLE` of `sysexits.h`.
  private static let notInstallable: Int32 = 69

  /// Returns when it is healthy.
  /// - Parameter disks: whether each node has a disk of its own, that can be filled.
  func up(disks: Bool) async throws {
    do {
      _ = try await script.run(["up", "--name", name] + (disks ? ["--disk", "1G"] : []))
    } catch let failure as RegionScript.Failure where failure.status == Self.notInstallable {
      throw Failure.notInstallable(log: script.log)
    }
  }

  /// Stops everything and removes the folder.
  func remove() async { await guardian.finish() }

  /// - Returns: the name of the leader, once there is one.
  func leader(not other: String? = nil, timeout: Duration = .seconds(60)) async throws -> String {
    let condition = other.map { ["--not", $0] } ?? []
    return try await script.run(["wait", "leader"] + condition + Self.timeout(timeout))
  }

  /// Returns when there is a leader, and every other node is in the quorum.
  func waitUntilHealthy(timeout: Duration = .seconds(120)) async throws {
    _ = try await script.run(["wait", "healthy"] + Self.timeout(timeout))
  }

  /// Returns when the fault is in force, or undone.
  /// - Returns: the node's name; `leader` among the words stands for whoever leads.
  @discardableResult
  func fault(_ words: String...) async throws -> String { try await script.run(["fault"] + words) }

  /// - Returns: a libpq connection string that names all nodes, and takes the one that writes.
  func dsn(database: String) async throws -> String { try await script.run(["dsn", database]) }

  func nodes() async throws -> [Node] {
    let text = try await script.run(["status", "--json"])
    guard let nodes = try JSONValue(parsing: Array(text.utf8))["nodes"]?.arrayValue else { throw Failure.statusUnreadable }
    return try nodes.map { node in
      guard let name = node["name"]?.stringValue, let role = node["role"]?.stringValue, let host = node["host"]?.stringValue,
        let port = node["port"]?.numberValue
      else { throw Failure.statusUnreadable }
      return Node(name: name, role: role, host: host, port: Int(port))
    }
  }

  private static func timeout(_ duration: Duration) -> [String] { ["--timeout", String(duration.components.seconds)] }
}

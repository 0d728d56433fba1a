import FaultLab
import Foundation
import Glibc

/// A file system that is mounted over a folder, for what only a file system can do: be full, take no writes. Gone with this process, however
/// that ends.
package struct ScratchMount: Sendable {
  package enum Kind: Sendable {
    /// An empty one, in memory.
    case memory(megabytes: Int)
    /// The folder as it is, which nobody can write, not even root.
    case readOnly
  }

  /// Where it is mounted.
  package let path: String
  private let guardian: Guardian

  package struct Failure: Error, CustomStringConvertible {
    package let description: String
  }

  /// Whether this process may mount anything: as root, and not in a container without that right.
  package static func isPossible() async throws -> Bool {
    guard geteuid() == 0 else { return false }
    let folder = try DisposableFolder()
    defer { folder.remove() }
    do {
      try await over(folder.path, .memory(megabytes: 1)).remove()
      return true
    } catch is Failure {
      return false
    }
  }

  /// - Parameter folder: is there already; what is in it is hidden while a ``Kind/memory(megabytes:)`` is over it.
  package static func over(_ folder: String, _ kind: Kind) async throws -> ScratchMount {
    let mount = ScratchMount(path: folder, guardian: try Guardian(script: farewell, [folder]))
    do {
      switch kind {
      case .memory(let megabytes):
        try await run("mount -t tmpfs -o size=\(megabytes)m,mode=0755 scratch \"$1\"", folder)
      case .readOnly:
        try await run("mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\"", folder)
      }
      return mount
    } catch {
      await mount.remove()
      throw error
    }
  }

  /// Leaves no byte of room.
  package func fill() async throws {
    // The second writer finds what the first one's last block was too large for.
    try await Self.run("{ cat /dev/zero; dd if=/dev/zero bs=1; } > \"$1/ballast\" 2> /dev/null; [ -s \"$1/ballast\" ]", path)
  }

  /// Takes back what ``fill()`` wrote.
  package func drain() async throws { try await Self.run("rm -f \"$1/ballast\"", path) }

  package func remove() async { await guardian.finish() }

  /// - Parameter script: `$1` and so on are `arguments`.
  package static func run(_ script: String, _ arguments: String...) async throws {
    let output = try await ChildProcess.run(["/bin/sh", "-c", script, "scratch"] + arguments, in: "/")
    guard output.status == 0 else { throw Failure(description: "\(script): \(output.text)") }
  }

  /// What was open there may stay open a little longer.
  private static let farewell = """
    trap '' INT TERM HUP QUIT
    read -r _
    while mountpoint -q "$1"; do umount -l "$1" || exit; done
    """
}

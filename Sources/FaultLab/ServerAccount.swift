import FoundationEssentials
import Glibc

/// Whom the server runs as: PostgreSQL refuses to run as root, so a process of root's hands it to an unprivileged user.
struct ServerAccount: Sendable, Equatable {
  /// `nil`: as this process's own user.
  private let other: Other?

  private struct Other: Equatable, Sendable {
    let name: String
    let user: uid_t
    let group: gid_t
  }

  /// The user named by `DOMICILE_PG_USER`, else `postgres`, where this process is root's.
  static func current() throws(PrivatePostgresError) -> ServerAccount {
    guard geteuid() == 0 else { return ServerAccount(other: nil) }
    let name = ProcessInfo.processInfo.environment["DOMICILE_PG_USER"] ?? "postgres"
    guard let entry = getpwnam(name)?.pointee, entry.pw_uid != 0 else {
      throw PrivatePostgresError(
        "PostgreSQL does not run as root, and there is no unprivileged user '\(name)' to run it as",
        because: "the user database has no such entry",
        remedy: "Install PostgreSQL's package, which makes the user, or name another one in DOMICILE_PG_USER.")
    }
    return ServerAccount(other: Other(name: name, user: entry.pw_uid, group: entry.pw_gid))
  }

  var userID: uid_t { other?.user ?? geteuid() }
  var name: String { other?.name ?? "this user" }

  /// The command that runs `command` as this account.
  func running(_ command: [String]) throws(PrivatePostgresError) -> [String] {
    guard let other else { return command }
    if let setpriv = Self.program("setpriv") {
      return [setpriv, "--reuid=\(other.user)", "--regid=\(other.group)", "--clear-groups", "--"] + command
    }
    if let runuser = Self.program("runuser") { return [runuser, "-u", other.name, "--"] + command }
    throw PrivatePostgresError(
      "PostgreSQL cannot be started as '\(other.name)'", because: "neither setpriv nor runuser is installed",
      remedy: "Install util-linux, or run this program as an ordinary user.")
  }

  /// Makes a file or folder the account's own.
  func own(_ path: String) throws(PrivatePostgresError) {
    guard let other else { return }
    guard lchown(path, other.user, other.group) == 0 else {
      throw PrivatePostgresError(
        "\(path) could not be given to '\(other.name)'", because: SystemError.text(errno),
        remedy: "Choose a folder on a local file system.")
    }
  }

  private static func program(_ name: String) -> String? {
    ["/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/"].map { $0 + name }.first { access($0, X_OK) == 0 }
  }
}

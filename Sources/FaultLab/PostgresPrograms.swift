import FoundationEssentials
import Glibc

/// Where PostgreSQL's programs are.
struct PostgresPrograms: Sendable {
  let folder: String
  /// `15` for 15.18: what `PG_VERSION` in a data folder says.
  let majorVersion: String

  var initdb: String { folder + "/initdb" }
  var pgCtl: String { folder + "/pg_ctl" }
  var pgBaseBackup: String { folder + "/pg_basebackup" }

  /// In `DOMICILE_PG_BINDIR`, else where `pg_config` says, else in the newest of Debian's folders.
  static func find() async throws(PrivatePostgresError) -> PostgresPrograms {
    if let named = ProcessInfo.processInfo.environment["DOMICILE_PG_BINDIR"] {
      guard hasPrograms(named) else {
        throw PrivatePostgresError(
          "DOMICILE_PG_BINDIR is \(named)", because: "there is no initdb, pg_ctl and postgres in it",
          remedy: "Set it to the folder that holds them, e.g. /usr/lib/postgresql/15/bin.")
      }
      return try await described(named)
    }
    if let pgConfig = programPath("pg_config") {
      let output = try await ChildProcess.run([pgConfig, "--bindir"], in: "/")
      let folder = output.text.trimmed
      if output.status == 0, hasPrograms(folder) { return try await described(folder) }
    }
    let debian = "/usr/lib/postgresql"
    let versions = contents(of: debian).compactMap(Int.init).sorted(by: >)
    if let folder = versions.map({ "\(debian)/\($0)/bin" }).first(where: hasPrograms) { return try await described(folder) }
    throw PrivatePostgresError(
      "PostgreSQL's programs were not found", because: "neither pg_config nor \(debian) leads to initdb, pg_ctl and postgres",
      remedy: "Install PostgreSQL (Debian: apt install postgresql), or set DOMICILE_PG_BINDIR to the folder that holds them.")
  }

  private static func described(_ folder: String) async throws(PrivatePostgresError) -> PostgresPrograms {
    // postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)
    let output = try await ChildProcess.run([folder + "/postgres", "--version"], in: "/")
    let words = output.text.split(separator: " ")
    guard output.status == 0, words.count > 2, let major = words[2].split(separator: ".").first else {
      throw PrivatePostgresError(
        "\(folder)/postgres does not say its version", because: "it printed '\(output.text.trimmed)'",
        remedy: "Install PostgreSQL anew.")
    }
    return PostgresPrograms(folder: folder, majorVersion: String(major.prefix { $0.isNumber }))
  }

  private static func hasPrograms(_ folder: String) -> Bool {
    ["initdb", "pg_ctl", "postgres"].allSatisfy { access("\(folder)/\($0)", X_OK) == 0 }
  }

  private static func programPath(_ name: String) -> String? {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
    return path.split(separator: ":").map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
  }

  private static func contents(of folder: String) -> [String] {
    do { return try FileManager.default.contentsOfDirectory(atPath: folder) } catch { return [] }
  }
}

extension String {
  var trimmed: String {
    var text = self[...]
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text.drop(while: \.isWhitespace))
  }
}

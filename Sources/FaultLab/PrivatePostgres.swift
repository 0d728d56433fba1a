import FoundationEssentials
import Glibc
import Logging
import Postgres

/// A PostgreSQL cluster of one's own in a folder: for the demo, the laboratory and the tests.
///
/// Everyone connects with a random password (SCRAM-SHA-256) that is kept in the folder, readable by this process's user
/// alone; `dsn` refers to it by its file. The server listens on a Unix socket in a closed folder and, where a port is given, on
/// 127.0.0.1, with TLS where there are files for that. Data checksums are on. It outlives this process unless a `Guardian` watches it.
package struct PrivatePostgres: Sendable {
  package enum StopMode: String, Sendable {
    /// Ends sessions, writes a checkpoint.
    case fast
    /// Ends at once; the next start recovers from the log.
    case immediate
  }

  /// The role that owns everything.
  package static let superuser = "postgres"
  private static let socketOnlyPort = 5432

  /// TCP on 127.0.0.1; `nil` for the Unix socket alone.
  package let port: Int?
  let layout: ClusterFolder
  let programs: PostgresPrograms
  /// Over this type's own.
  let settings: [String: String]
  /// On TCP.
  let tls: ClusterTLS?

  package var folder: String { layout.path }
  package var dataFolder: String { layout.data }
  package var logFile: String { layout.log }
  package var socketFolder: String { layout.socket }

  /// Makes the cluster, or finds it as an earlier call made it. Does not start it.
  ///
  /// - Parameters:
  ///   - folder: Made where missing; the cluster's alone.
  ///   - port: TCP port on 127.0.0.1; none for the Unix socket alone.
  ///   - settings: Server settings by name, e.g. `["synchronous_standby_names": "ANY 1 (*)"]`; in force from the next `start()`.
  ///   - tls: What is shown on TCP; `dsn` then checks it.
  package static func create(
    at folder: String, port: Int? = nil, settings: [String: String] = [:], tls: ClusterTLS? = nil
  ) async throws(PrivatePostgresError) -> PrivatePostgres {
    let programs = try await PostgresPrograms.find()
    let layout = ClusterFolder(folder, account: try ServerAccount.current())
    let cluster = PrivatePostgres(port: port, layout: layout, programs: programs, settings: settings, tls: tls)
    try await layout.prepare()
    try tls?.install(in: layout)
    if !layout.hasData { try await cluster.initialize() }
    try cluster.checkData()
    try cluster.writeSettings()
    return cluster
  }

  package var isRunning: Bool { Postmaster.running(in: layout.data) != nil }
  package var processID: Int32? { Postmaster.running(in: layout.data)?.processID }

  /// Starts the server and returns when it accepts connections. A running one takes up changed settings, as far as it can
  /// without a restart, and restarts where its port has changed.
  package func start() async throws(PrivatePostgresError) {
    if let running = Postmaster.running(in: layout.data) {
      guard running.port != effectivePort || running.listensOnTCP != (port != nil) else {
        return try await control("reload", failing: "did not reload")
      }
      try await stop()
    }
    removeLockFiles()
    let output = try await run(["start", "-l", layout.log, "-w", "-t", "60"])
    guard output.status == 0 else { throw startFailure(output.text) }
  }

  /// Stops the server, a paused one too, and returns when it is gone. No error where it is not running.
  package func stop(mode: StopMode = .fast) async throws(PrivatePostgresError) {
    guard let running = Postmaster.running(in: layout.data) else { return }
    await resume()
    try await control("stop", "-m", mode.rawValue, "-w", "-t", "60", failing: "did not stop")
    await Self.await([running.processID], until: { !Postmaster.isAlive($0) })
  }

  /// Ends all of the server's processes with SIGKILL, as a failing machine would, and returns when they are gone.
  package func kill() async {
    guard let running = Postmaster.running(in: layout.data) else { return }
    // The parent first: while it lives, it takes a child's death as a crash and starts anew.
    let family = running.family
    for process in family { Glibc.kill(process, SIGKILL) }
    await Self.await(family, until: { !Postmaster.isAlive($0) })
  }

  /// Freezes all of the server's processes with SIGSTOP, as a machine that hangs would, and returns when they stand still. Its
  /// connections stay open and say nothing.
  package func pause() async {
    guard let running = Postmaster.running(in: layout.data) else { return }
    // The parent first: it then makes no further process.
    Glibc.kill(running.processID, SIGSTOP)
    await Self.await([running.processID], until: Postmaster.isStoppedOrGone)
    let family = running.family
    for process in family { Glibc.kill(process, SIGSTOP) }
    await Self.await(family, until: Postmaster.isStoppedOrGone)
  }

  /// Ends a ``pause()``.
  package func resume() async {
    guard let running = Postmaster.running(in: layout.data) else { return }
    for process in running.family { Glibc.kill(process, SIGCONT) }
  }

  /// A libpq connection string for a database of the cluster, as the superuser.
  package func dsn(database: String = "postgres") -> String {
    Self.connectionString(address + [("dbname", database), ("passfile", layout.passwordFile)])
  }

  /// The same by the Unix socket, also where there is a port: for programs on this machine only.
  package func socketDSN(database: String = "postgres") -> String {
    Self.connectionString([
      ("host", layout.socket), ("port", String(effectivePort)), ("user", Self.superuser), ("dbname", database),
      ("passfile", layout.passwordFile),
    ])
  }

  /// Makes a database, unless there is one of that name.
  ///
  /// - Parameter name: 1 to 63 lower-case letters, digits and underscores, a letter first.
  package func createDatabase(_ name: String) async throws(PrivatePostgresError) {
    let letters = Set("abcdefghijklmnopqrstuvwxyz")
    guard name.utf8.count <= 63, let first = name.first, letters.contains(first),
      name.allSatisfy({ letters.contains($0) || $0 == "_" || ("0"..."9").contains($0) })
    else {
      throw PrivatePostgresError(
        "a database cannot be named '\(name)'", because: "names are lower-case letters, digits and underscores",
        remedy: "Choose another name.")
    }
    do {
      let configuration = PostgresConfiguration(dsn: dsn(), applicationName: "domicile")
      let connection = try await PostgresConnection.connect(configuration, logger: Logger(label: "private-postgres"))
      do {
        let statement = Statement("create-database", "CREATE DATABASE \(name)")
        _ = try await connection.execute(statement, deadline: .now + .seconds(60))
      } catch  where error.sqlState == .duplicateDatabase {
        // Someone was first.
      }
      await connection.close()
    } catch {
      throw PrivatePostgresError(
        "the database '\(name)' could not be made", because: "\(error) \(error.serverMessage ?? "")".trimmed,
        remedy: "See \(layout.log).")
    }
  }
}

extension PrivatePostgres {
  var effectivePort: Int { port ?? Self.socketOnlyPort }

  /// Where the server is and as whom it is entered.
  var address: [(keyword: String, value: String)] {
    let place = [("port", String(effectivePort)), ("user", Self.superuser)]
    guard port != nil else { return [("host", layout.socket)] + place }
    guard tls != nil else { return [("host", "127.0.0.1")] + place }
    return [("host", "localhost"), ("hostaddr", "127.0.0.1")] + place + security
  }

  /// How `address` is to be entered.
  var security: [(keyword: String, value: String)] {
    tls == nil ? [] : [("sslmode", "verify-full"), ("sslrootcert", layout.trustedAuthority)]
  }

  static func connectionString(_ parts: [(keyword: String, value: String)]) -> String {
    parts.map { keyword, value in
      let escaped = value.map { #"\'"#.contains($0) ? "\\\($0)" : String($0) }.joined()
      return "\(keyword)='\(escaped)'"
    }.joined(separator: " ")
  }

  private func initialize() async throws(PrivatePostgresError) {
    let password = Self.randomPassword()
    let passwordForServer = layout.path + "/initial-password"
    try layout.write(password + "\n", to: passwordForServer, forServer: true)
    defer { unlink(passwordForServer) }
    try layout.removeDataInMaking()
    let command = [
      programs.initdb, "-D", layout.dataInMaking, "-U", Self.superuser, "-A", "scram-sha-256", "--pwfile", passwordForServer,
      "-E", "UTF8", "--locale=C", "--data-checksums",
    ]
    let output = try await ChildProcess.run(try layout.account.running(command), in: layout.path)
    guard output.status == 0 else {
      throw PrivatePostgresError(
        "initdb failed in \(layout.path)", because: output.text.lastLines(3), remedy: "Check the free space and permissions.")
    }
    try layout.write("*:*:*:\(Self.superuser):\(password)\n", to: layout.passwordFile, forServer: false)
    try appendInclude()
    try layout.putDataInPlace()
  }

  private func appendInclude() throws(PrivatePostgresError) {
    let path = layout.dataInMaking + "/postgresql.conf"
    guard let standard = FileManager.default.contents(atPath: path) else {
      throw PrivatePostgresError("\(path) is missing", because: "initdb made none", remedy: "Install PostgreSQL anew.")
    }
    let text = String(decoding: standard, as: UTF8.self) + "\ninclude 'domicile.conf'\n"
    try layout.write(text, to: path, forServer: true)
  }

  func checkData() throws(PrivatePostgresError) {
    let version = FileManager.default.contents(atPath: layout.data + "/PG_VERSION").map {
      String(decoding: $0, as: UTF8.self).trimmed
    }
    guard version == programs.majorVersion else {
      throw PrivatePostgresError(
        "the cluster in \(layout.path) is of PostgreSQL \(version ?? "?")",
        because: "the programs in \(programs.folder) are of \(programs.majorVersion)",
        remedy: "Set DOMICILE_PG_BINDIR to programs of that version, or remove the folder to begin anew.")
    }
    guard layout.passwordFile.isPresent else {
      throw PrivatePostgresError(
        "the cluster in \(layout.path) cannot be entered", because: "its password file \(layout.passwordFile) is gone",
        remedy: "Put it back, or remove the folder to begin anew.")
    }
  }

  func writeSettings() throws(PrivatePostgresError) {
    var all = [
      "listen_addresses": port == nil ? "" : "127.0.0.1",
      "port": String(effectivePort),
      "unix_socket_directories": layout.socket,
      "unix_socket_permissions": "0700",
      "password_encryption": "scram-sha-256",
      // Statements and parameters hold personal data; a log does not.
      "log_statement": "none",
      "log_min_error_statement": "panic",
      "log_error_verbosity": "terse",
      "log_parameter_max_length_on_error": "0",
    ]
    if tls != nil {
      all["ssl"] = "on"
      all["ssl_cert_file"] = layout.serverCertificate
      all["ssl_key_file"] = layout.serverKey
    }
    all.merge(settings) { _, given in given }
    for name in all.keys where !name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == ".") }) {
      throw PrivatePostgresError("'\(name)' is no setting's name", because: "it has other characters", remedy: "Correct it.")
    }
    let lines = all.sorted { $0.key < $1.key }.map { "\($0.key) = '\(Self.escaped($0.value))'\n" }
    try layout.write(lines.joined(), to: layout.settings, forServer: true)
  }

  /// What a killed server leaves behind. PostgreSQL would take the process ids in it at their word, although they may be other
  /// processes' by now; whether the server runs has been seen already.
  private func removeLockFiles() {
    let socket = "\(layout.socket)/.s.PGSQL.\(effectivePort)"
    for file in [layout.data + "/postmaster.pid", socket, socket + ".lock"] { unlink(file) }
  }

  private func run(_ arguments: [String]) async throws(PrivatePostgresError) -> ChildProcess.Output {
    let command = [programs.pgCtl, "-D", layout.data] + arguments
    return try await ChildProcess.run(try layout.account.running(command), in: layout.path)
  }

  func control(_ arguments: String..., failing failure: String) async throws(PrivatePostgresError) {
    let output = try await run(arguments)
    guard output.status == 0 else {
      throw PrivatePostgresError(
        "PostgreSQL in \(layout.path) \(failure)", because: output.text.lastLines(3), remedy: "See \(layout.log).")
    }
  }

  private func startFailure(_ text: String) -> PrivatePostgresError {
    let log = FileManager.default.contents(atPath: layout.log).map { String(decoding: $0.suffix(4096), as: UTF8.self) } ?? text
    let remedy =
      log.contains("Address already in use")
      ? "Port \(effectivePort) is taken: stop what uses it or choose another." : "See \(layout.log)."
    return PrivatePostgresError("PostgreSQL in \(layout.path) did not start", because: log.lastLines(4), remedy: remedy)
  }

  /// Processes that are not this one's children can only be looked at.
  private static func await(_ processes: [pid_t], until condition: @escaping @Sendable (pid_t) -> Bool) async {
    _ = await ChildProcess.onOwnThread { () throws(Never) in
      while !processes.allSatisfy(condition) { usleep(2_000) }
    }
  }

  private static func randomPassword() -> String {
    var generator = SystemRandomNumberGenerator()
    return (0..<4).map { _ in
      let word = String(generator.next() as UInt64, radix: 16)
      return String(repeating: "0", count: 16 - word.count) + word
    }.joined()
  }

  /// As `postgresql.conf` has it within quotes.
  private static func escaped(_ text: String) -> String {
    text.map { #"\'"#.contains($0) ? "\($0)\($0)" : String($0) }.joined()
  }
}

extension String {
  func lastLines(_ count: Int) -> String {
    split(separator: "\n").suffix(count).joined(separator: " / ")
  }
}

import FoundationEssentials
import Glibc
import Logging
import Postgres

extension PrivatePostgres {
  /// Makes a streaming standby of a cluster, or finds it as an earlier call made it. Does not start it.
  ///
  /// It reads through a replication slot of its name, so that it catches up however long it was stopped; the primary keeps
  /// what it has not read yet.
  ///
  /// - Parameters:
  ///   - primary: Must run where the standby is yet to be made.
  ///   - folder: Made where missing; the standby's alone.
  ///   - name: What `synchronous_standby_names` calls it: 1 to 63 lower-case letters, digits and underscores.
  ///   - port: TCP port on 127.0.0.1; none for the Unix socket alone.
  ///   - settings: Over those of the primary, of which all but `synchronous_standby_names` hold for the standby too.
  package static func createStandby(
    of primary: PrivatePostgres, at folder: String, name: String, port: Int? = nil, settings: [String: String] = [:]
  ) async throws(PrivatePostgresError) -> PrivatePostgres {
    let standby = try standby(of: primary, at: folder, name: name, port: port, settings: settings)
    try await standby.makeStandby(of: primary, name: name)
    return standby
  }

  /// Makes a standby a primary of its own, on a new timeline, and returns when it takes writes. The old primary is left as it is.
  package func promote() async throws(PrivatePostgresError) {
    try await control("promote", "-w", "-t", "60", failing: "was not promoted")
  }

  /// The standby as it would be: nothing is made yet.
  static func standby(
    of primary: PrivatePostgres, at folder: String, name: String, port: Int?, settings: [String: String]
  ) throws(PrivatePostgresError) -> PrivatePostgres {
    guard (1...63).contains(name.utf8.count),
      name.utf8.allSatisfy({ (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (48...57).contains($0) || $0 == 95 })
    else {
      throw PrivatePostgresError(
        "a standby cannot be named '\(name)'", because: "names are lower-case letters, digits and underscores",
        remedy: "Choose another name.")
    }
    let layout = ClusterFolder(folder, account: primary.layout.account)
    let own = [
      "hot_standby": "on",
      "primary_conninfo": upstream(primary, passwordFile: layout.replicationPasswordFile, name: name),
      "primary_slot_name": name,
      "wal_receiver_status_interval": "1s",
      "wal_retrieve_retry_interval": "100ms",
      "synchronous_standby_names": "",
    ]
    let all = primary.settings.merging(own) { _, own in own }.merging(settings) { _, given in given }
    return PrivatePostgres(port: port, layout: layout, programs: primary.programs, settings: all, tls: primary.tls)
  }

  func makeStandby(of primary: PrivatePostgres, name: String) async throws(PrivatePostgresError) {
    try await layout.prepare()
    try copyPassword(of: primary)
    try tls?.install(in: layout)
    if !layout.hasData { try await copyData(of: primary, name: name) }
    try checkData()
    guard layout.standbySignal.isPresent else {
      throw PrivatePostgresError(
        "the cluster in \(layout.path) is no standby", because: "it was promoted, and has a history of its own",
        remedy: "Remove the folder to make the standby anew.")
    }
    guard layout.systemIdentifier == primary.layout.systemIdentifier else {
      throw PrivatePostgresError(
        "the cluster in \(layout.path) is no standby of the one in \(primary.layout.path)", because: "it was made from another",
        remedy: "Remove the folder to make the standby anew.")
    }
    try writeSettings()
  }

  private func copyPassword(of primary: PrivatePostgres) throws(PrivatePostgresError) {
    guard let password = FileManager.default.contents(atPath: primary.layout.passwordFile) else {
      throw PrivatePostgresError(
        "the cluster in \(primary.layout.path) cannot be entered",
        because: "its password file \(primary.layout.passwordFile) is gone", remedy: "Put it back.")
    }
    let text = String(decoding: password, as: UTF8.self)
    try layout.write(text, to: layout.passwordFile, forServer: false)
    try layout.write(text, to: layout.replicationPasswordFile, forServer: true)
  }

  private func copyData(of primary: PrivatePostgres, name: String) async throws(PrivatePostgresError) {
    guard access(programs.pgBaseBackup, X_OK) == 0 else {
      throw PrivatePostgresError(
        "no standby can be made", because: "there is no \(programs.pgBaseBackup)",
        remedy: "Install PostgreSQL's client programs of version \(programs.majorVersion).")
    }
    try layout.removeDataInMaking()
    try await primary.makeSlot(name)
    let upstream = Self.upstream(primary, passwordFile: layout.replicationPasswordFile, name: name)
    let command = [
      programs.pgBaseBackup, "-d", upstream, "-D", layout.dataInMaking, "-X", "stream", "-S", name, "-c", "fast", "--no-password",
    ]
    let output = try await ChildProcess.run(try layout.account.running(command), in: layout.path)
    guard output.status == 0 else {
      throw PrivatePostgresError(
        "\(primary.layout.path) could not be copied to \(layout.path)", because: output.text.lastLines(3),
        remedy: "Check that the primary runs, and the free space.")
    }
    try layout.write("", to: layout.dataInMaking + "/standby.signal", forServer: true)
    try layout.putDataInPlace()
  }

  /// Reserves from now on what the standby is yet to read.
  private func makeSlot(_ name: String) async throws(PrivatePostgresError) {
    do {
      let configuration = PostgresConfiguration(dsn: dsn(), applicationName: "domicile")
      let connection = try await PostgresConnection.connect(configuration, logger: Logger(label: "private-postgres"))
      let statement = Statement(
        "make-slot",
        """
        SELECT pg_create_physical_replication_slot($1::text, true)
         WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1::text)
        """)
      _ = try await connection.execute(statement, [.text(name)], deadline: .now + .seconds(60))
      await connection.close()
    } catch {
      throw PrivatePostgresError(
        "the cluster in \(layout.path) gives no replication slot", because: "\(error) \(error.serverMessage ?? "")".trimmed,
        remedy: "Start it, and see \(layout.log).")
    }
  }

  private static func upstream(_ primary: PrivatePostgres, passwordFile: String, name: String) -> String {
    // The authority's file that `address` names is the primary's own: both servers run as one user.
    connectionString(primary.address + [("passfile", passwordFile), ("application_name", name)])
  }
}

import Logging
import Postgres

/// Brings the log of a new cluster into the state of one that has run for long: its next files are there already, as old ones under new
/// names. On a new cluster each file of 16 MB is written with zeros first, and every commit waits for that: a hundred milliseconds, every
/// second or two under load.
enum SettledLog {
  /// So that a checkpoint keeps what was written once.
  static let settings = ["min_wal_size": "1GB", "max_wal_size": "2GB"]

  static func prepare(_ primary: PrivatePostgres, standbys: [PrivatePostgres]) async throws {
    for cluster in [primary] + standbys {
      let configuration = PostgresConfiguration(dsn: cluster.socketDSN(), applicationName: "bench log")
      let connection = try await PostgresConnection.connect(configuration, logger: Logger(label: "bench"))
      do {
        if cluster.folder == primary.folder { _ = try await connection.execute(Self.fill, [], deadline: .now + Self.limit) }
        // A standby's begins where its primary's last one is: the files before that are free.
        _ = try await connection.execute(Self.checkpoint, [], deadline: .now + Self.limit)
      } catch {
        await connection.close()
        throw error
      }
      await connection.close()
    }
  }

  private static let limit = Duration.seconds(300)
  private static let fill = Statement(
    "fill_log", "SELECT count(pg_logical_emit_message(false, 'bench', repeat('0', 1048576))) FROM generate_series(1, 1024)")
  private static let checkpoint = Statement("checkpoint", "CHECKPOINT")
}

import Logging
import Postgres

/// Brings a new cluster into the state of one that has run for long.
///
/// The next files of its log are there already, as old ones under new names: on a new cluster each file of 16 MB is written with zeros first,
/// and every commit waits for that, a hundred milliseconds, every second or two under load. And its shared buffers have been in use: each
/// page that a new server touches first is given to it by the kernel, filled with zeros, and that time would be counted as that of the rows
/// written there, a fifth of what an insert takes.
enum SettledServer {
  private static let memoryMegabytes = 512

  /// So that a checkpoint keeps what was written once, and that all memory can be touched in a few seconds.
  static let settings = [
    "min_wal_size": "1GB", "max_wal_size": "2GB", "shared_buffers": "\(memoryMegabytes)MB",
  ]

  static func prepare(_ primary: PrivatePostgres, standbys: [PrivatePostgres]) async throws {
    for cluster in [primary] + standbys {
      let configuration = PostgresConfiguration(dsn: cluster.socketDSN(), applicationName: "bench log")
      let connection = try await PostgresConnection.connect(configuration, logger: Logger(label: "bench"))
      do {
        if cluster.folder == primary.folder {
          for statement in [fill, makeTable, uncompressed, fillTable, dropTable] {
            _ = try await connection.execute(statement, [], deadline: .now + Self.limit)
          }
        }
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
    "fill_log",
    "SELECT count(pg_logical_emit_message(false, 'bench', repeat('0', 1048576))) FROM generate_series(1, \(1024 - memoryMegabytes))"
  )
  private static let makeTable = Statement("make_table", "CREATE TABLE bench_memory (page text)")
  private static let uncompressed = Statement("uncompressed", "ALTER TABLE bench_memory ALTER page SET STORAGE PLAIN")
  // A row fills a page, a page a buffer, here and on the standbys.
  private static let fillTable = Statement(
    "fill_table",
    "INSERT INTO bench_memory SELECT repeat('0', 8000) FROM generate_series(1, \(memoryMegabytes * 1024 / 8))")
  private static let dropTable = Statement("drop_table", "DROP TABLE bench_memory")
  private static let checkpoint = Statement("checkpoint", "CHECKPOINT")
}

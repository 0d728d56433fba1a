import Postgres
import Residency

/// Which steps have run in a database, as its table `schema_migration` has it.
struct MigrationLedger {
  /// How the table stands: it had no checksums at first.
  private enum Form { case missing, withoutChecksums, current }

  private let form: Form
  /// By version; `nil` where the step ran before checksums were kept.
  private let checksums: [Int: [UInt8]?]

  init(on connection: PostgresConnection) async throws {
    guard let row = try await connection.execute(Self.readForm, []).rows.first else {
      throw StoreError.corrupt(what: "the schema's history")
    }
    form = try row.bool(0) ? (try row.bool(1) ? .current : .withoutChecksums) : .missing
    var checksums: [Int: [UInt8]?] = [:]
    switch form {
    case .missing: break
    case .withoutChecksums:
      for row in try await connection.execute(Self.readVersions, []).rows { checksums[Int(try row.int32(0))] = .some(nil) }
    case .current:
      for row in try await connection.execute(Self.readChecksums, []).rows {
        checksums[Int(try row.int32(0))] = .some(try row.optionalBytes(1))
      }
    }
    self.checksums = checksums
  }

  /// Those of `known` that have not run yet, in order.
  /// - Throws: `StoreError.schemaTooNew`; `MigrationError.edited`; `StoreError.corrupt` where an older step did not run but a newer did.
  func missing(of known: [Migration]) throws -> ArraySlice<Migration> {
    let newest = checksums.keys.max() ?? 0
    guard newest <= known.count else { throw StoreError.schemaTooNew(found: newest, known: known.count) }
    for migration in known.prefix(newest) {
      guard let noted = checksums[migration.version] else { throw StoreError.corrupt(what: "the schema's history") }
      guard noted == nil || noted == migration.checksum else { throw MigrationError.edited(version: migration.version) }
    }
    return known.dropFirst(newest)
  }

  /// Whether the table is there, and has a checksum for every step.
  var isCurrent: Bool { form == .current && !checksums.values.contains(nil) }

  /// Makes or completes the table. For a step that ran before checksums were kept, what `known` has for it is taken to be what ran.
  static func completing(with known: [Migration]) -> String {
    let table = """
      CREATE TABLE IF NOT EXISTS schema_migration (
        version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now(), checksum bytea);
      ALTER TABLE schema_migration ADD COLUMN IF NOT EXISTS checksum bytea;
      """
    let rows = known.map {
      "UPDATE schema_migration SET checksum = '\\x\($0.checksum.hex)' WHERE version = \($0.version) AND checksum IS NULL;"
    }
    return ([table] + rows).joined(separator: "\n")
  }

  /// The note that a step ran: part of its transaction.
  static func noting(_ migration: Migration) -> String {
    """
    INSERT INTO schema_migration (version, name, checksum)
    VALUES (\(migration.version), '\(migration.name.replacing("'", with: "''"))', '\\x\(migration.checksum.hex)');
    """
  }

  private static let readForm = Statement(
    "migration_ledger_form",
    """
    SELECT to_regclass('schema_migration') IS NOT NULL,
           EXISTS (SELECT FROM pg_attribute
                    WHERE attrelid = to_regclass('schema_migration') AND attname = 'checksum' AND NOT attisdropped)
    """)
  private static let readVersions = Statement("migration_ledger_versions", "SELECT version FROM schema_migration")
  private static let readChecksums = Statement("migration_ledger", "SELECT version, checksum FROM schema_migration")
}

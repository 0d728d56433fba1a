import DomicileTestKit
import Foundation
import Testing

/// `DISTRIBUTING.md`, as far as tests can check it.
struct DistributionNote {
  struct Table: Hashable {
    let name: String
    let isDistributed: Bool
    /// Of the primary key; empty for a table of one row.
    let key: [String]
  }

  let tables: [Table]
  /// In order: how to distribute the region's database, how to distribute the key database, what the store asks of an engine.
  let blocks: [String]

  init() throws {
    let text = try String(contentsOfFile: "\(TestPrograms.sources)/Sources/RegionStore/DISTRIBUTING.md", encoding: .utf8)
    tables = try text.matches(of: /(?m)^\| `(\w+)` \| (distributed|local) \| (.+?) \|/).map { row in
      let key = String(row.output.3)
      try #require(key == "one row" || (key.hasPrefix("`") && key.hasSuffix("`")))
      let columns = key == "one row" ? [] : key.dropFirst().dropLast().split(separator: ",").map { $0.filter { $0 != " " } }
      return Table(name: String(row.output.1), isDistributed: row.output.2 == "distributed", key: columns)
    }
    blocks = text.matches(of: /(?s)```sql\n(.*?)```/).map { String($0.output.1) }
    try #require(blocks.count == 3)
  }
}

/// Citus's function by that name, for a PostgreSQL without Citus: it makes the same demands of a table, and partitions it by the hash of
/// the column within the one server.
enum TagPartitioning {
  static let partitions = 4

  static let function = """
    CREATE FUNCTION create_distributed_table(moved regclass, by_column text, colocate_with text DEFAULT 'default') RETURNS void
    LANGUAGE plpgsql AS $$
    DECLARE
      own_name text := (SELECT relname FROM pg_class WHERE oid = moved);
      definitions text[];
      definition text;
    BEGIN
      IF EXISTS (SELECT FROM pg_index i WHERE i.indrelid = moved AND i.indisunique AND NOT EXISTS (
           SELECT FROM pg_attribute a WHERE a.attrelid = moved AND a.attname = by_column AND a.attnum = ANY (i.indkey))) THEN
        RAISE EXCEPTION 'a unique index of % does not contain %', own_name, by_column;
      END IF;
      IF EXISTS (SELECT FROM pg_constraint c JOIN pg_class other ON other.oid = c.confrelid
                  WHERE c.contype = 'f' AND c.conparentid = 0 AND c.conrelid = moved AND other.relkind <> 'p') THEN
        RAISE EXCEPTION '% refers to a table that is not distributed', own_name;
      END IF;
      IF colocate_with NOT IN ('default', 'none') AND (SELECT relkind FROM pg_class WHERE oid = colocate_with::regclass) <> 'p' THEN
        RAISE EXCEPTION '% is not distributed', colocate_with;
      END IF;
      -- Its own keys first, then what refers to it, then its other indexes.
      SELECT array_agg(format('ALTER TABLE %s ADD CONSTRAINT %I %s', CASE conrelid WHEN moved THEN quote_ident(own_name)
                              ELSE conrelid::regclass::text END, conname, pg_get_constraintdef(oid))
                       ORDER BY contype = 'f', conname)
        INTO definitions FROM pg_constraint
       WHERE contype IN ('p', 'u', 'f') AND conparentid = 0 AND moved IN (conrelid, confrelid);
      definitions := definitions || ARRAY(SELECT pg_get_indexdef(indexrelid) FROM pg_index i
        WHERE indrelid = moved AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid));
      EXECUTE format('ALTER TABLE %I RENAME TO undistributed', own_name);
      EXECUTE format('CREATE TABLE %I (LIKE undistributed INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY HASH (%I)',
                     own_name, by_column);
      FOR number IN 0..\(partitions - 1) LOOP
        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES WITH (MODULUS \(partitions), REMAINDER %s)',
                       own_name || '_' || number, own_name, number);
      END LOOP;
      EXECUTE format('INSERT INTO %I SELECT * FROM undistributed', own_name);
      DROP TABLE undistributed CASCADE;
      FOREACH definition IN ARRAY definitions LOOP
        EXECUTE definition;
      END LOOP;
    END $$;
    """
}

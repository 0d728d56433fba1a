extension Migration {
  /// The region's own database: everything of a subject is keyed by its tag first, so that the schema distributes by `tag`.
  package static let region: [Migration] = [
    Migration(
      version: 1, name: "first schema",
      sql: """
        CREATE TABLE region_identity (
          only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
          region text NOT NULL,
          ordinal integer NOT NULL,
          system_identifier bigint NOT NULL
        );

        CREATE TABLE head (
          only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
          audit_size bigint NOT NULL,
          directory_seq bigint NOT NULL,
          directory_chain bytea NOT NULL,
          incarnation integer NOT NULL
        ) WITH (fillfactor = 10);

        CREATE TABLE subject (
          tag bytea PRIMARY KEY CHECK (octet_length(tag) = 16),
          epoch bigint NOT NULL,
          state text NOT NULL,
          residence bytea NOT NULL,
          registered_at timestamptz NOT NULL
        );

        CREATE TABLE record (
          tag bytea NOT NULL REFERENCES subject (tag),
          collection text COLLATE "C" NOT NULL,
          key text COLLATE "C" NOT NULL,
          version bigint NOT NULL,
          sealed bytea,
          updated_at timestamptz NOT NULL,
          PRIMARY KEY (tag, collection, key)
        );

        CREATE TABLE consent (
          tag bytea NOT NULL REFERENCES subject (tag),
          purpose text COLLATE "C" NOT NULL,
          kind text NOT NULL,
          given_at timestamptz NOT NULL,
          withdrawn_at timestamptz,
          PRIMARY KEY (tag, purpose)
        );

        CREATE TABLE audit_leaf (
          index bigint PRIMARY KEY,
          leaf bytea NOT NULL,
          leaf_hash bytea NOT NULL CHECK (octet_length(leaf_hash) = 32)
        );

        CREATE TABLE idempotency (
          key bytea PRIMARY KEY CHECK (octet_length(key) = 32),
          tag bytea NOT NULL,
          sealed bytea NOT NULL,
          leaf_index bigint NOT NULL,
          leaf_hash bytea NOT NULL,
          expires_at timestamptz NOT NULL
        );
        CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);

        CREATE TABLE placement (
          tag bytea PRIMARY KEY CHECK (octet_length(tag) = 16),
          birth_seq bigint NOT NULL,
          epoch bigint NOT NULL,
          seq bigint NOT NULL,
          birth_incarnation integer NOT NULL,
          incarnation integer NOT NULL,
          birth_origin integer NOT NULL,
          origin integer NOT NULL,
          home integer NOT NULL,
          state integer NOT NULL,
          covers bytea
        );

        CREATE TABLE placement_sibling (
          LIKE placement,
          PRIMARY KEY (tag, origin, incarnation, seq)
        );

        CREATE TABLE directory_log (
          origin integer NOT NULL,
          incarnation integer NOT NULL,
          seq bigint NOT NULL,
          entry bytea NOT NULL,
          chain bytea NOT NULL,
          PRIMARY KEY (origin, incarnation, seq)
        );

        CREATE TABLE applied (
          origin integer NOT NULL,
          incarnation integer NOT NULL,
          seq bigint NOT NULL,
          chain bytea NOT NULL,
          PRIMARY KEY (origin, incarnation)
        );

        CREATE TABLE peer_ack (
          peer integer NOT NULL,
          origin integer NOT NULL,
          incarnation integer NOT NULL,
          seq bigint NOT NULL,
          PRIMARY KEY (peer, origin, incarnation)
        );
        """),
    // A distributed table's unique constraints hold within one node, so they contain what it is distributed by. The index is built
    // beside the traffic, and takes the old one's place in an instant: a day's answers may be many.
    Migration(
      version: 2, name: "kept answers are keyed by their subject first",
      online: [
        "DROP INDEX CONCURRENTLY IF EXISTS idempotency_by_subject",
        "CREATE UNIQUE INDEX CONCURRENTLY idempotency_by_subject ON idempotency (tag, key)",
      ],
      sql: """
        ALTER TABLE idempotency
          DROP CONSTRAINT idempotency_pkey, ADD CONSTRAINT idempotency_pkey PRIMARY KEY USING INDEX idempotency_by_subject;
        """),
    Migration(
      version: 3, name: "people whose data left, counted by year",
      sql: """
        CREATE TABLE transfer (
          tag bytea NOT NULL CHECK (octet_length(tag) = 16),
          year integer NOT NULL,
          class text COLLATE "C" NOT NULL,
          PRIMARY KEY (tag, year, class)
        );

        CREATE TABLE transfer_count (
          year integer NOT NULL,
          class text COLLATE "C" NOT NULL,
          people bigint NOT NULL,
          PRIMARY KEY (year, class)
        ) WITH (fillfactor = 10);
        """),
    Migration(
      version: 4, name: "a directory that takes less, and can be compared, forgotten and loaded", online: [compactPlacements],
      sql: directoryTables),
    Migration(
      version: 5, name: "work in several steps",
      sql: """
        CREATE TABLE workflow (
          kind text COLLATE "C" NOT NULL,
          id bytea NOT NULL,
          sealed bytea NOT NULL,
          started_at timestamptz NOT NULL,
          due_at timestamptz NOT NULL,
          tries integer NOT NULL DEFAULT 0,
          PRIMARY KEY (kind, id)
        );
        CREATE INDEX workflow_by_due_time ON workflow (kind, due_at);
        """),
    Migration(
      version: 6, name: "documents that all regions hold",
      sql: """
        CREATE TABLE document (
          tag uuid NOT NULL,
          origin integer NOT NULL,
          incarnation integer NOT NULL,
          seq bigint NOT NULL,
          collection text COLLATE "C" NOT NULL,
          key text COLLATE "C" NOT NULL,
          deleted boolean NOT NULL,
          entry bytea NOT NULL,
          PRIMARY KEY (tag, origin, incarnation, seq)
        );
        CREATE INDEX document_by_key ON document (collection, key);
        CREATE INDEX document_alive ON document (collection, key) WHERE NOT deleted;
        """),
    Migration(
      version: 7, name: "heads of the audit logs that this region witnesses",
      sql: """
        CREATE TABLE witness_head (
          origin text COLLATE "C" PRIMARY KEY,
          size bigint NOT NULL CHECK (size >= 0),
          note bytea NOT NULL,
          seen_at timestamptz NOT NULL DEFAULT now()
        );
        CREATE TABLE witness_evidence (
          origin text COLLATE "C" NOT NULL,
          note_hash bytea NOT NULL,
          proven boolean NOT NULL,
          note bytea NOT NULL,
          head bytea NOT NULL,
          seen_at timestamptz NOT NULL DEFAULT now(),
          PRIMARY KEY (origin, note_hash, proven)
        );
        """),
    // An older program would serve the rows as if they were leaves: it is refused.
    Migration(
      version: 8, name: "audit leaves in their short form",
      sql: """
        COMMENT ON COLUMN audit_leaf.leaf IS
          'Begins with 01: the short form of a leaf (LeafRow). Begins with {: the leaf as it is.';
        """),
    // The constraint would hold for rows of one leaf alone, and is prepared anew for each batch. Nothing of a row of two or more goes to TOAST.
    Migration(
      version: 9, name: "audit leaves by several in a row",
      sql: """
        ALTER TABLE audit_leaf DROP CONSTRAINT IF EXISTS audit_leaf_leaf_hash_check, SET (toast_tuple_target = 8160);
        COMMENT ON COLUMN audit_leaf.index IS 'Of the first of the row''s leaves.';
        COMMENT ON COLUMN audit_leaf.leaf_hash IS '32 bytes for each of the row''s leaves.';
        COMMENT ON COLUMN audit_leaf.leaf IS
          'One leaf, or several, each after its count of bytes (LeafPack). Begins with 01: its short form (LeafRow); with {: as it is.';
        """),
  ]

  /// The key database: with backups of its own, so that a backup of the data does not bring erased people back.
  package static let keys: [Migration] = [
    Migration(
      version: 1, name: "subject keys",
      sql: """
        CREATE TABLE key_identity (
          only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
          region text NOT NULL
        );

        CREATE TABLE subject_key (
          tag bytea PRIMARY KEY CHECK (octet_length(tag) = 16),
          kek text NOT NULL,
          wrapped_key bytea NOT NULL,
          wrapped_audit_key bytea NOT NULL,
          created_at timestamptz NOT NULL DEFAULT now()
        );
        """)
  ]
}

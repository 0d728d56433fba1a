extension Migration {
  /// The same rows in less than two thirds of the space: a row's parts in the order in which they need no padding, and its own position
  /// only where that is not the birth. It is copied while readers go on; who registers waits, about three seconds a million subjects.
  static let compactPlacements = """
    DO $$ BEGIN
      IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'placement'::regclass AND attname = 'covers') THEN
        LOCK TABLE placement IN EXCLUSIVE MODE;
        CREATE TABLE placement_compact (
          tag uuid NOT NULL,
          birth_seq bigint NOT NULL,
          epoch bigint NOT NULL,
          birth_incarnation integer NOT NULL,
          birth_origin smallint NOT NULL,
          home smallint NOT NULL,
          state smallint NOT NULL,
          later bytea NOT NULL
        );
        CREATE TABLE placement_sibling_compact (
          LIKE placement_compact,
          number bigint NOT NULL,
          CONSTRAINT placement_sibling_compact_pkey PRIMARY KEY (tag, number)
        );
        INSERT INTO placement_compact
        SELECT encode(tag, 'hex')::uuid, birth_seq, epoch, birth_incarnation, birth_origin, home, state,
               CASE WHEN epoch = 1 THEN ''::bytea
                    ELSE int2send(origin::smallint) || int4send(incarnation) || int8send(seq) || coalesce(covers, '\\x00'::bytea) END
          FROM placement;
        INSERT INTO placement_sibling_compact
        SELECT encode(tag, 'hex')::uuid, birth_seq, epoch, birth_incarnation, birth_origin, home, state,
               CASE WHEN epoch = 1 THEN ''::bytea
                    ELSE int2send(origin::smallint) || int4send(incarnation) || int8send(seq) || coalesce(covers, '\\x00'::bytea) END,
               row_number() OVER (PARTITION BY tag)
          FROM placement_sibling;
        ALTER TABLE placement_compact ADD CONSTRAINT placement_compact_pkey PRIMARY KEY (tag);
        CREATE INDEX placement_tombstone ON placement_compact (tag) WHERE state = 3;
        DROP TABLE placement, placement_sibling;
        ALTER TABLE placement_compact RENAME TO placement;
        ALTER TABLE placement_sibling_compact RENAME TO placement_sibling;
      END IF;
    END $$
    """

  static let directoryTables = """
    CREATE TABLE log_start (
      origin integer NOT NULL,
      incarnation integer NOT NULL,
      seq bigint NOT NULL,
      chain bytea NOT NULL,
      PRIMARY KEY (origin, incarnation)
    );

    CREATE TABLE log_cut (
      origin integer NOT NULL,
      incarnation integer NOT NULL,
      seq bigint NOT NULL,
      chain bytea NOT NULL,
      doubtful boolean NOT NULL,
      PRIMARY KEY (origin, incarnation, seq, chain)
    );

    CREATE TABLE peer_vector (
      peer integer NOT NULL,
      origin integer NOT NULL,
      incarnation integer NOT NULL,
      seq bigint NOT NULL,
      PRIMARY KEY (peer, origin, incarnation)
    );

    CREATE TABLE floor_pending (
      origin integer NOT NULL,
      incarnation integer NOT NULL,
      seq bigint NOT NULL,
      floor bytea NOT NULL,
      PRIMARY KEY (origin, incarnation, seq)
    );

    CREATE TABLE floor_candidate (
      incarnation integer NOT NULL,
      seq bigint NOT NULL,
      after bytea NOT NULL,
      noted_at timestamptz NOT NULL,
      PRIMARY KEY (incarnation, seq)
    );

    CREATE TABLE directory_state (
      only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
      reached bytea NOT NULL,
      forgotten bytea NOT NULL,
      digest_key bytea NOT NULL,
      unlogged_changes bigint NOT NULL
    );
    INSERT INTO directory_state (reached, forgotten, digest_key, unlogged_changes) VALUES ('\\x010000', '\\x010000', '', 0);

    CREATE TABLE directory_digest (
      bucket integer PRIMARY KEY,
      xor bigint NOT NULL,
      count bigint NOT NULL
    ) WITH (fillfactor = 20);
    INSERT INTO directory_digest (bucket, xor, count) SELECT bucket, 0, 0 FROM generate_series(0, 255) AS bucket;

    CREATE TABLE snapshot_load (
      only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
      peer integer NOT NULL,
      basis bytea NOT NULL,
      after uuid,
      stored_at timestamptz NOT NULL
    );
    """
}

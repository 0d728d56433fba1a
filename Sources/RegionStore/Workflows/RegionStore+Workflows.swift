package import Directory
import Logging
import Postgres
package import Residency

/// Goes on with work in several steps. Each workflow that is due is left to one coordinator for a while; one that crashes with it loses it
/// to another.
extension RegionStore {
  /// Takes workflows whose time has come.
  /// - Parameter lease: for how long nobody else takes them.
  /// - Returns: those of them that can be read. The others stay, and are logged.
  package func dueWorkflows(
    _ kind: Workflow.Kind, lease: Duration, limit: Int
  ) async throws(StoreError) -> [DueWorkflow] {
    let rows = try await reading { connection, deadline in
      try await connection.execute(
        .takeWorkflows, [.text(kind.rawValue), .int64(Int64(limit)), .int64(lease.milliseconds)], deadline: deadline
      ).rows.map { row in
        (key: try row.bytes(0), sealed: try row.bytes(1), startedAt: try row.uint64(2), tries: Int(try row.int32(3)))
      }
    }
    return rows.compactMap { row in
      let id = Workflow.ID(kind, key: row.key)
      do {
        return DueWorkflow(
          workflow: Workflow(id: id, body: try Sealer.open(row.sealed, of: id, under: kek)), startedAt: row.startedAt,
          tries: row.tries)
      } catch {
        logger.error("a workflow cannot be read back", metadata: ["kind": "\(kind.rawValue)"])
        return nil
      }
    }
  }

  /// - Returns: `nil` where there is none of that id.
  package func workflow(_ id: Workflow.ID) async throws(StoreError) -> Workflow? {
    let sealed = try await reading { connection, deadline in
      try await connection.execute(.readWorkflow, [.text(id.kind.rawValue), .bytes(id.key)], deadline: deadline).rows.first?
        .bytes(0)
    }
    guard let sealed else { return nil }
    do { return Workflow(id: id, body: try Sealer.open(sealed, of: id, under: kek)) } catch { throw .corrupt(what: "a workflow") }
  }

  /// How many workflows of a kind have not ended.
  package func workflowCount(_ kind: Workflow.Kind) async throws(StoreError) -> Int {
    try await reading { connection, deadline in
      Int(try await connection.execute(.countWorkflows, [.text(kind.rawValue)], deadline: deadline).rows.first?.int64(0) ?? 0)
    }
  }

  /// Lets it be due again after `delay`.
  package func postpone(_ id: Workflow.ID, by delay: Duration) async throws(StoreError) {
    try await reading { connection, deadline in
      _ = try await connection.execute(
        .postponeWorkflow, [.text(id.kind.rawValue), .bytes(id.key), .int64(delay.milliseconds)], deadline: deadline)
    }
  }

  /// Nothing is left to do for it.
  /// - Parameter now: milliseconds since 1970 UTC.
  package func end(_ id: Workflow.ID, now: UInt64) async throws {
    _ = try await commit(Operation(needs: FactsNeeded(subjects: []), now: now) { _, effects in effects.end(id) })
  }

  /// The collections in which `tag` has records.
  package func collections(of tag: SubjectTag) async throws(StoreError) -> [CollectionName] {
    try await reading { connection, deadline in
      try await connection.execute(.readCollections, [.bytes(tag.bytes)], deadline: deadline).rows.map {
        CollectionName(try $0.text(0))
      }
    }
  }

  /// Gives `newTag` the keys of `tag`: they are the same person's.
  package func copyKeys(from tag: SubjectTag, to newTag: SubjectTag) async throws(StoreError) -> KeyCopy {
    try await withKeys { try await $0.copy(from: tag, to: newTag) }
  }

  /// After which nothing that was sealed for `tag` can be read, wherever a copy of it is.
  package func destroyKeys(of tag: SubjectTag) async throws(StoreError) {
    try await withKeys { try await $0.destroy(tag) }
  }

  /// Forgets of whom it was that data left the jurisdiction. Of how many people it did stays.
  package func forgetTransfers(of tag: SubjectTag) async throws(StoreError) {
    try await reading { connection, deadline in
      _ = try await connection.execute(.forgetTransfersOf, [.bytes(tag.bytes)], deadline: deadline)
    }
  }

  /// Subjects that several regions have registered, in the order of their tags.
  /// - Parameter after: the last one of the page before; `nil` for the first page.
  package func contested(after tag: SubjectTag?, limit: Int) async throws(StoreError) -> [PlacementSet] {
    try await reading { connection, deadline in
      let tags = try await connection.execute(
        .readContested, [.bytes(tag?.bytes ?? []), .int64(Int64(limit))], deadline: deadline
      ).rows.map { try $0.bytes(0) }
      let result = try await connection.execute(PlacementRow.read, [.uuidArray(tags)], deadline: deadline)
      return try PlacementRow.sets(result.rows).values.filter(\.isContested).sorted { $0.tag < $1.tag }
    }
  }

  private func withKeys<R: Sendable>(_ body: @Sendable (KeyVault) async throws -> R) async throws(StoreError) -> R {
    do { return try await body(keys) } catch let error as StoreError {
      throw error
    } catch let error as PostgresError {
      throw StoreError(error)
    } catch {
      throw .unavailable
    }
  }
}

extension Duration {
  var milliseconds: Int64 { components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000 }
}

extension Statement {
  fileprivate static let takeWorkflows = Statement(
    "take_workflows",
    """
    UPDATE workflow w SET due_at = now() + $3::bigint * interval '1 millisecond', tries = w.tries + 1
      FROM (SELECT kind, id, tries FROM workflow WHERE kind = $1::text AND due_at <= now()
             ORDER BY due_at LIMIT $2::bigint FOR UPDATE SKIP LOCKED) AS due
     WHERE w.kind = due.kind AND w.id = due.id
    RETURNING w.id, w.sealed, (extract(epoch FROM w.started_at) * 1000)::bigint, due.tries
    """)
  fileprivate static let readWorkflow = Statement(
    "read_workflow", "SELECT sealed FROM workflow WHERE kind = $1::text AND id = $2::bytea")
  fileprivate static let countWorkflows = Statement("count_workflows", "SELECT count(*) FROM workflow WHERE kind = $1::text")
  fileprivate static let postponeWorkflow = Statement(
    "postpone_workflow",
    "UPDATE workflow SET due_at = now() + $3::bigint * interval '1 millisecond' WHERE kind = $1::text AND id = $2::bytea")
  fileprivate static let forgetTransfersOf = Statement("forget_transfers_of", "DELETE FROM transfer WHERE tag = $1::bytea")
  fileprivate static let readCollections = Statement(
    "read_collections", "SELECT DISTINCT collection FROM record WHERE tag = $1::bytea ORDER BY collection")
  fileprivate static let readContested = Statement(
    "read_contested",
    """
    SELECT DISTINCT uuid_send(tag) FROM placement_sibling WHERE uuid_send(tag) > $1::bytea ORDER BY 1 LIMIT $2::bigint
    """)
}

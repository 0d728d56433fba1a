import Cryptography
import Postgres

/// The rows of workflows that a batch begins, changes and ends.
struct WorkflowWriting {
  private var kept: [(id: Workflow.ID, sealed: [UInt8], at: UInt64, dueAt: UInt64)] = []
  private var ended: [Workflow.ID] = []

  mutating func add(_ writes: [Effects.WorkflowWrite], now: UInt64, kek: KeyEncryptionKey) throws {
    var new = self
    for write in writes {
      switch write {
      case .keep(let workflow, let dueAt):
        new.kept.append((workflow.id, try Sealer.seal(workflow, under: kek), now, dueAt))
      case .end(let id): new.ended.append(id)
      }
    }
    self = new
  }

  var steps: [PipelineStep] {
    var steps: [PipelineStep] = []
    if !ended.isEmpty {
      steps.append(
        PipelineStep(Self.delete, [.textArray(ended.map(\.kind.rawValue)), .bytesArray(ended.map(\.key))]))
    }
    if !kept.isEmpty {
      steps.append(
        PipelineStep(
          Self.upsert,
          [
            .textArray(kept.map(\.id.kind.rawValue)), .bytesArray(kept.map(\.id.key)), .bytesArray(kept.map(\.sealed)),
            .timestampArray(kept.map { Int64($0.at) }), .timestampArray(kept.map { Int64($0.dueAt) }),
          ]))
    }
    return steps
  }

  private static let upsert = Statement(
    "keep_workflows",
    """
    INSERT INTO workflow (kind, id, sealed, started_at, due_at)
    SELECT * FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::timestamptz[], $5::timestamptz[])
    ON CONFLICT (kind, id) DO UPDATE SET sealed = excluded.sealed, due_at = excluded.due_at, tries = 0
    """)
  private static let delete = Statement(
    "end_workflows",
    "DELETE FROM workflow w USING unnest($1::text[], $2::bytea[]) AS t (kind, id) WHERE w.kind = t.kind AND w.id = t.id")
}

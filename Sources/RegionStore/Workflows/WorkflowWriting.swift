import Cryptography
import Postgres

/// The rows of workflows that a batch begins, changes and ends.
struct WorkflowWriting {
  private typealias Row = (sealed: [UInt8], at: UInt64, dueAt: UInt64)
  private var begun: [Workflow.ID: Row] = [:]
  private var kept: [Workflow.ID: Row] = [:]
  private var ended: [Workflow.ID] = []

  mutating func add(_ writes: [Effects.WorkflowWrite], now: UInt64, kek: KeyEncryptionKey) throws {
    var new = self
    for write in writes {
      switch write {
      case .keep(let workflow, let dueAt, let replaces):
        let row = Row(try Sealer.seal(workflow, under: kek), now, dueAt)
        if replaces { new.kept[workflow.id] = row } else if new.begun[workflow.id] == nil { new.begun[workflow.id] = row }
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
    if !begun.isEmpty { steps.append(Self.step(Self.insert, begun)) }
    if !kept.isEmpty { steps.append(Self.step(Self.upsert, kept)) }
    return steps
  }

  private static func step(_ statement: Statement, _ rows: [Workflow.ID: Row]) -> PipelineStep {
    let rows = Array(rows)
    return PipelineStep(
      statement,
      [
        .textArray(rows.map(\.key.kind.rawValue)), .bytesArray(rows.map(\.key.key)), .bytesArray(rows.map(\.value.sealed)),
        .timestampArray(rows.map { Int64($0.value.at) }), .timestampArray(rows.map { Int64($0.value.dueAt) }),
      ])
  }

  private static let insert = Statement(
    "begin_workflows",
    """
    INSERT INTO workflow (kind, id, sealed, started_at, due_at)
    SELECT * FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::timestamptz[], $5::timestamptz[])
    ON CONFLICT (kind, id) DO NOTHING
    """)

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

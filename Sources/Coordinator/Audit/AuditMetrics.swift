import Metrics

/// How far this region's log is signed, and cosigned, as gauges. They are set when they are asked for.
struct AuditMetrics: Sendable {
  private let checkpoints: CheckpointHolder
  private let size = Gauge(label: "domicile_audit_checkpoint_size")
  private let witnessed = Gauge(label: "domicile_audit_witnessed_size")
  /// How long too few witnesses have cosigned the newest checkpoint; 0 where enough have.
  private let unwitnessed = Gauge(label: "domicile_audit_unwitnessed_seconds")
  /// How long the log could not be published, or not be read to be published; 0 where it can.
  private let unpublished = Gauge(label: "domicile_audit_unpublished_seconds")

  init(_ checkpoints: CheckpointHolder) { self.checkpoints = checkpoints }

  func update() {
    let held = checkpoints.current
    size.record(Double(held.size))
    witnessed.record(Double(held.witnessedSize))
    unwitnessed.record(held.unwitnessedSince.map { $0.duration(to: .now) / .seconds(1) } ?? 0)
    unpublished.record(checkpoints.unpublished / .seconds(1))
  }
}

import AuditTrail
import Synchronization

/// The newest checkpoint of this region's log.
package final class CheckpointHolder: Sendable {
  struct Held: Sendable {
    var size: UInt64 = 0
    /// The signed note; empty before the first.
    var note: [UInt8] = []
  }

  private let held = Mutex(Held())

  package init() {}

  var current: Held { held.withLock { $0 } }
  package var size: UInt64 { current.size }

  func replace(with note: [UInt8], size: Int) {
    held.withLock { $0 = Held(size: UInt64(size), note: note) }
  }
}

import Directory
import Synchronization

/// Connects the store, which is there first, with the replication, which needs the store.
final class Bell: Sendable {
  private let handler = Mutex<(@Sendable (LogPosition) -> Void)?>(nil)

  func connect(_ handler: @escaping @Sendable (LogPosition) -> Void) { self.handler.withLock { $0 = handler } }
  func ring(_ head: LogPosition) { handler.withLock { $0 }?(head) }
}

import CLibPQ
import Glibc
import Synchronization

/// A request to the server to stop what a connection is doing.
///
/// `PQcancel` opens a connection of its own and blocks until the server has taken the request, for as long as the network
/// likes; so it has a short-lived thread, and the connection that waits for it keeps its own deadline.
final class CancelRequest: Sendable {
  private let finished = Atomic(false)
  private let wake: WakeUp
  /// Made by `PQgetCancel`, which libpq allows any thread to use; freed in `deinit`.
  private nonisolated(unsafe) let raw: OpaquePointer

  /// - Returns: `nil` where the request cannot even be tried.
  init?(for connection: OpaquePointer, wake: WakeUp) {
    guard let raw = PQgetCancel(connection) else { return nil }
    self.raw = raw
    self.wake = wake
    var thread = pthread_t()
    let owned = Unmanaged.passRetained(self)
    let failure = pthread_create(
      &thread, nil,
      { context in
        guard let context else { return nil }
        Unmanaged<CancelRequest>.fromOpaque(context).takeRetainedValue().send()
        return nil
      }, owned.toOpaque())
    guard failure == 0 else {
      owned.release()
      return nil
    }
    pthread_detach(thread)
  }

  deinit { PQfreeCancel(raw) }

  /// The server has taken the request or the request has failed: it can no longer hit a later statement.
  var isFinished: Bool { finished.load(ordering: .acquiring) }

  private func send() {
    var message = [CChar](repeating: 0, count: 256)
    _ = PQcancel(raw, &message, Int32(message.count))
    finished.store(true, ordering: .releasing)
    wake.signal()
  }
}

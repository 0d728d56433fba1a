import CLibPQ
import Glibc

/// Ends a `poll` from another thread: an eventfd that is polled beside the socket.
final class WakeUp: Sendable {
  let descriptor: Int32

  /// - Throws: `.connection` where the process may open no further file.
  init() throws(PostgresError) {
    descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    guard descriptor >= 0 else { throw PostgresError(.connection, "the process may open no further file") }
  }

  deinit { close(descriptor) }

  func signal() {
    var one: UInt64 = 1
    // The only failure, a full counter, means that a signal is pending already.
    _ = write(descriptor, &one, MemoryLayout<UInt64>.size)
  }

  func clear() {
    var count: UInt64 = 0
    _ = read(descriptor, &count, MemoryLayout<UInt64>.size)
  }
}

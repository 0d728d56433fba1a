import Glibc

/// Waits for a socket without burning time.
enum SocketWait {
  enum Event { case ready, woken, deadline }

  /// - Parameter socket: Negative for none: then only a wake-up or the deadline ends the wait.
  static func wait(_ socket: Int32, wake: WakeUp, writing: Bool, until deadline: ContinuousClock.Instant?) -> Event {
    let wanted = writing ? POLLIN | POLLOUT : POLLIN
    var descriptors = [
      pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: socket, events: Int16(wanted), revents: 0),
    ]
    while true {
      var timeout: Int32 = -1
      if let deadline {
        let left = ContinuousClock.now.duration(to: deadline)
        guard left > .zero else { return .deadline }
        timeout = left.roundedUpToPollMilliseconds
      }
      let count = poll(&descriptors, 2, timeout)
      guard count > 0 else { continue }
      // First, so that a stream of data cannot hide a cancellation.
      if descriptors[0].revents != 0 {
        wake.clear()
        return .woken
      }
      return .ready
    }
  }

  /// Whether something came (data, or the connection's end). Never blocks.
  static func isReadable(_ socket: Int32) -> Bool {
    var descriptor = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    return poll(&descriptor, 1, 0) > 0
  }
}

extension Duration {
  /// At least 1, at most a day: `poll` is called again until the deadline has truly passed.
  fileprivate var roundedUpToPollMilliseconds: Int32 {
    let (seconds, attoseconds) = components
    guard seconds < 86_400 else { return 86_400_000 }
    return Int32(seconds * 1000) + Int32(attoseconds / 1_000_000_000_000_000) + 1
  }
}

import Synchronization

/// The other end of a connection or of an HTTP/2 stream.
final class Peer: Sendable {
  /// In DER; only the leaf, and only where the handshake verified it.
  let certificates: [[UInt8]]
  let isHTTP2: Bool

  private struct Presence {
    var isGone = false
    var onGone: (@Sendable () -> Void)?
  }
  private let presence = Mutex(Presence())

  init(certificates: [[UInt8]], isHTTP2: Bool) {
    self.certificates = certificates
    self.isHTTP2 = isHTTP2
  }

  /// Calls `action` once, when the peer is gone, at once if it is gone already; it replaces an earlier action.
  func onGone(_ action: (@Sendable () -> Void)?) {
    let isGone = presence.withLock { presence in
      // Kept, it would be called again: an error on a connection and its end both tell that the peer is gone.
      presence.onGone = presence.isGone ? nil : action
      return presence.isGone
    }
    if isGone { action?() }
  }

  func markGone() {
    let action = presence.withLock { presence in
      presence.isGone = true
      defer { presence.onGone = nil }
      return presence.onGone
    }
    action?()
  }
}

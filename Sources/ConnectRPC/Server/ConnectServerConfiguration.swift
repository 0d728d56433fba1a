/// Where and how a ``ConnectServer`` listens, and its limits.
package struct ConnectServerConfiguration: Sendable {
  /// The address to listen on.
  package var host: String
  /// The port to listen on; 0 lets the system choose.
  package var port: Int
  /// `nil` serves HTTP/1.1 in the clear, which is for loopback only: another address is refused.
  package var tls: ServerTLS?
  package var limits: ServerLimits
  /// What the `Server` header says; `nil` leaves it out.
  package var serverName: String?

  package init(host: String, port: Int, tls: ServerTLS?, limits: ServerLimits = ServerLimits(), serverName: String? = nil) {
    self.host = host
    self.port = port
    self.tls = tls
    self.limits = limits
    self.serverName = serverName
  }
}

/// Bounds on everything that a peer could make grow.
package struct ServerLimits: Sendable {
  /// The largest request message, before and after decompression.
  package var messageBytesMax = 2 * 1024 * 1024
  /// The longest time from a request's head to its answer; a caller's own deadline can only be shorter.
  package var deadlineMax: Duration = .seconds(30)
  /// Calls at work at one time. More are refused with `resource_exhausted` and a retry delay.
  package var callsInFlightMax = 512
  /// Open connections. More wait in the listen queue.
  package var connectionsMax = 2_048
  /// The size of all header fields together, for HTTP/1.1.
  package var headerBytesMax = 32 * 1024
  /// Streams of one HTTP/2 connection that its peer may reset within ``resetsWindow``: a gateway resets one for each of its users who leaves.
  /// A peer that resets more takes the server's time for nothing, and loses the connection.
  package var resetsMax = 3_000
  package var resetsWindow: Duration = .seconds(30)
  /// How long a connection may be silent outside of a call.
  package var idleTimeout: Duration = .seconds(75)
  /// How long a TLS handshake may take.
  package var handshakeTimeout: Duration = .seconds(10)
  /// Answers of fewer bytes are not compressed.
  package var compressedAnswerBytesMin = 1_024
  /// How long the peer has, after an answer that came before the end of its request, to read that answer; and how long a connection without a
  /// call stays open where the server stops and the peer does not close it.
  package var lingerTimeout: Duration = .seconds(2)
  /// How long the peer has to take in an answer whose connection is to be closed after it.
  package var flushTimeout: Duration = .seconds(10)

  package init() {}

  /// How long the longest call may take until its answer has reached the peer.
  var drainTimeout: Duration { deadlineMax + lingerTimeout + flushTimeout }
}

/// Why a ``ConnectServer`` cannot be made or started.
package enum ConnectServerError: Error, Equatable, CustomStringConvertible {
  /// Without TLS a server listens on loopback only.
  case insecureAddress(host: String)
  /// Two methods, or two routes, have one path.
  case duplicatePath(String)

  package var description: String {
    switch self {
    case .insecureAddress(let host): "Without TLS the server listens on 127.0.0.1, ::1 or localhost only, not on \(host)."
    case .duplicatePath(let path): "Two handlers have the path \(path)."
    }
  }
}

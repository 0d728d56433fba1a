package import HTTPTypes
import Synchronization

/// What a handler knows about a call beside its request message.
package struct CallContext: Sendable {
  /// The request's header fields.
  package let headers: HTTPFields
  /// The peer's certificates in DER, leaf first, verified against the trust roots; empty where the peer presented none.
  /// Only the leaf is kept.
  package let peerCertificates: [[UInt8]]
  /// The peer's IP address.
  package let remoteAddress: String?
  /// When the call is answered with `deadline_exceeded`, at the latest: from `Connect-Timeout-Ms`, bounded by the server's limit.
  package let deadline: ContinuousClock.Instant?
  /// The called method's path, such as `/domicile.v1.RecordService/GetRecord`.
  package let method: String
  /// Counts the calls of this server from 1: it connects log lines of one call.
  package let requestNumber: UInt64
  /// Whether the server takes no more calls: it still serves what is asked for by GET outside of a method.
  package let isServerStopping: Bool
  /// Header fields that the answer will have, set by the handler.
  package let responseHeaders: ResponseHeaders

  package init(
    headers: HTTPFields = [:], peerCertificates: [[UInt8]] = [], remoteAddress: String? = nil,
    deadline: ContinuousClock.Instant? = nil, method: String, requestNumber: UInt64 = 0, isServerStopping: Bool = false,
    responseHeaders: ResponseHeaders = ResponseHeaders()
  ) {
    self.headers = headers
    self.peerCertificates = peerCertificates
    self.remoteAddress = remoteAddress
    self.deadline = deadline
    self.method = method
    self.requestNumber = requestNumber
    self.isServerStopping = isServerStopping
    self.responseHeaders = responseHeaders
  }
}

/// Header fields of an answer that is still being made. They go out with a success and with an error.
package final class ResponseHeaders: Sendable {
  private let fields = Mutex(HTTPFields())

  package init() {}

  package subscript(name: HTTPField.Name) -> String? {
    get { fields.withLock { $0[name] } }
    set { fields.withLock { $0[name] = newValue } }
  }

  var all: HTTPFields { fields.withLock { $0 } }
}

import AsyncHTTPClient
import NIOCore
import NIOPosix
import NIOSSL

extension ConnectError {
  static var noAnswerInTime: ConnectError {
    ConnectError(
      .deadlineExceeded, reason: "DEADLINE_EXCEEDED",
      "The server did not answer within the call's deadline. A write may have been done or not: repeat it with the same request_id."
    )
  }

  static var callCanceled: ConnectError {
    ConnectError(.canceled, reason: "CANCELED", "The call was cancelled before its answer.")
  }

  static func answerTooLarge(bytesMax: Int) -> ConnectError {
    ConnectError(
      .resourceExhausted, reason: "MESSAGE_TOO_LARGE", "The answer is larger than \(bytesMax) bytes. Ask for less in one call.",
      metadata: ["bytes_max": String(bytesMax)])
  }

  /// Whether there was no answer of the server's own: the way there failed, or somebody else answered.
  package var isWithoutAnswer: Bool {
    guard let reason else { return code != .deadlineExceeded && code != .canceled }
    return ["CONNECTION_FAILED", "TLS_FAILED", "PEER_IDENTITY_MISMATCH", "UNEXPECTED_ANSWER"].contains(reason)
  }

  static func unexpectedAnswer(_ message: String) -> ConnectError {
    ConnectError(.internal, reason: "UNEXPECTED_ANSWER", message)
  }

  /// What failed below the protocol. Whether the server got the request is unknown.
  init(transport error: any Error) {
    switch error {
    case is CancellationError:
      self = .callCanceled
    case is UnexpectedServerIdentity:
      self.init(
        .unavailable, reason: "PEER_IDENTITY_MISMATCH",
        "The server's certificate is valid, but not that of the expected server. Check the URL and the server's certificate.")
    case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
      self.init(
        .unavailable, reason: "TLS_FAILED",
        "There is no TLS connection to the server: one side did not accept the other's certificate or protocol.")
    default:
      self.init(
        .unavailable, reason: "CONNECTION_FAILED",
        "There is no connection to the server, or it was lost (\(Self.cause(of: error))). Try again.",
        retryDelay: .seconds(1))
    }
  }

  /// What the network or its library said, without its long list of addresses that were tried.
  private static func cause(of error: any Error) -> String {
    guard let failed = error as? NIOConnectionError else { return String(describing: error) }
    let attempt = failed.connectionErrors.last.map { $0.error } ?? failed.dnsAError ?? failed.dnsAAAAError
    return attempt.map { String(describing: $0) } ?? "no address"
  }
}

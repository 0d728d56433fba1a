extension ConnectError {
  static func messageTooLarge(bytesMax: Int) -> ConnectError {
    ConnectError(
      .resourceExhausted, reason: "MESSAGE_TOO_LARGE",
      "The request message is larger than \(bytesMax) bytes. Send less in one call.", metadata: ["bytes_max": String(bytesMax)])
  }

  static var overloaded: ConnectError {
    ConnectError(
      .resourceExhausted, reason: "OVERLOADED", "The server has as many calls at work as it takes. Try again after a moment.",
      retryDelay: .seconds(1))
  }

  static var deadlineExceeded: ConnectError {
    ConnectError(
      .deadlineExceeded, reason: "DEADLINE_EXCEEDED",
      "There was no answer within the call's deadline. A write may have been done or not: repeat it with the same request_id, "
        + "or with a longer Connect-Timeout-Ms.")
  }

  static var callerGone: ConnectError {
    ConnectError(.canceled, reason: "CANCELED", "The caller ended the call before its answer.")
  }

  static var stopping: ConnectError {
    ConnectError(
      .unavailable, reason: "SERVER_STOPPING", "The server is shutting down. Nothing was done. Try again, or another server.",
      retryDelay: .seconds(1))
  }

  static var serverStopped: ConnectError {
    ConnectError(
      .unavailable, reason: "SERVER_STOPPED", "The server was stopped before it could answer. Try again.",
      retryDelay: .seconds(1))
  }

  /// - Parameter identifier: what the log line about the error has too.
  static func `internal`(identifier: String) -> ConnectError {
    ConnectError(
      .internal, reason: "INTERNAL", "The server failed. Its log has the cause under \(identifier).",
      metadata: ["error_id": identifier])
  }
}

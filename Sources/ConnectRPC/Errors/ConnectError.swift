package import SwiftProtobuf

/// A failed call: what a handler throws, what goes over the wire, and what a client gets.
///
/// `message` is read by the caller: it says what happened, why, and what to do next, and never carries SQL, a path or
/// personal data.
package struct ConnectError: Error, Sendable, Equatable {
  package let code: ConnectCode
  package let message: String
  package let details: [ErrorDetail]

  /// The domain in which this project's reasons are defined.
  package static let domain = "domicile"

  package init(_ code: ConnectCode, message: String, details: [ErrorDetail]) {
    self.code = code
    self.message = message
    self.details = details
  }

  /// - Parameters:
  ///   - reason: a constant such as `POLICY_DENIED`; it travels in `google.rpc.ErrorInfo`.
  ///   - metadata: facts about this failure that a program may want.
  package init(_ code: ConnectCode, reason: String, _ message: String, metadata: [String: String] = [:]) {
    self.init(code, message: message, details: [ErrorDetail(reason: reason, metadata: metadata)])
  }

  /// - Parameter retryDelay: when the same call may succeed; it travels in `google.rpc.RetryInfo` and, in whole seconds,
  ///   in the `Retry-After` header.
  package init(
    _ code: ConnectCode, reason: String, _ message: String, metadata: [String: String] = [:], retryDelay: Duration
  ) {
    self.init(
      code, message: message, details: [ErrorDetail(reason: reason, metadata: metadata), ErrorDetail(retryDelay: retryDelay)])
  }

  /// The reason in the first `google.rpc.ErrorInfo` of `details`.
  package var reason: String? { errorInfo?.reason }

  /// The metadata in the first `google.rpc.ErrorInfo` of `details`; empty where there is none.
  package var metadata: [String: String] { errorInfo?.metadata ?? [:] }

  /// The delay in the first `google.rpc.RetryInfo` of `details`.
  package var retryDelay: Duration? {
    guard let retry: Google_Rpc_RetryInfo = detail(), retry.hasRetryDelay else { return nil }
    return .seconds(retry.retryDelay.seconds) + .nanoseconds(Int64(retry.retryDelay.nanos))
  }

  /// The first detail of type `Detail`; `nil` where there is none or it cannot be read.
  package func detail<Detail: Message>(_ type: Detail.Type = Detail.self) -> Detail? {
    for detail in details where detail.type == Detail.protoMessageName {
      if let message = try? Detail(serializedBytes: detail.value) { return message }
    }
    return nil
  }

  private var errorInfo: Google_Rpc_ErrorInfo? { detail() }
}

extension ConnectError: CustomStringConvertible {
  package var description: String {
    let reason = reason.map { " \($0)" } ?? ""
    return "\(code.rawValue)\(reason): \(message)"
  }
}

/// Why a call failed, as the Connect protocol names it.
///
/// Source: the Connect protocol specification, "Error Codes".
package enum ConnectCode: String, CaseIterable, Sendable {
  case canceled
  case unknown
  case invalidArgument = "invalid_argument"
  case deadlineExceeded = "deadline_exceeded"
  case notFound = "not_found"
  case alreadyExists = "already_exists"
  case permissionDenied = "permission_denied"
  case resourceExhausted = "resource_exhausted"
  case failedPrecondition = "failed_precondition"
  case aborted
  case outOfRange = "out_of_range"
  case unimplemented
  case `internal`
  case unavailable
  case dataLoss = "data_loss"
  case unauthenticated

  /// The HTTP status that a unary answer with this code has.
  package var httpStatus: Int {
    switch self {
    case .canceled: 499
    case .unknown, .internal, .dataLoss: 500
    case .invalidArgument, .failedPrecondition, .outOfRange: 400
    case .deadlineExceeded: 504
    case .notFound: 404
    case .alreadyExists, .aborted: 409
    case .permissionDenied: 403
    case .resourceExhausted: 429
    case .unimplemented: 501
    case .unavailable: 503
    case .unauthenticated: 401
    }
  }

  /// The code of an answer that has an error status and no Connect error in its body: something between client and server,
  /// such as a proxy, made it.
  ///
  /// Source: the Connect protocol specification, "HTTP to Error Code".
  package init(inferredFromHTTPStatus status: Int) {
    self =
      switch status {
      case 400: .internal
      case 401: .unauthenticated
      case 403: .permissionDenied
      case 404: .unimplemented
      case 429, 502, 503, 504: .unavailable
      default: .unknown
      }
  }
}

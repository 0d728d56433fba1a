import ConnectRPC
import RegionStore

/// A call that is not answered with what it asked for: the code, the reason, and a sentence that says what happened, why, and what
/// to do next.
struct Refusal: Error, Sendable {
  let code: ConnectCode
  let reason: Reason
  let message: String
  var metadata: [String: String]

  init(_ code: ConnectCode, _ reason: Reason, _ message: String, metadata: [String: String] = [:]) {
    self.code = code
    self.reason = reason
    self.message = message
    self.metadata = metadata
  }

  var connectError: ConnectError {
    switch reason {
    case .overloaded:
      ConnectError(code, reason: reason.rawValue, message, metadata: metadata, retryDelay: .milliseconds(200))
    case .auditUnavailable, .quorumUnavailable, .standbyUnavailable, .regionUnreachable, .staleDirectory, .unconfirmed, .stopping:
      ConnectError(code, reason: reason.rawValue, message, metadata: metadata, retryDelay: .seconds(1))
    default:
      ConnectError(code, reason: reason.rawValue, message, metadata: metadata)
    }
  }
}

extension Refusal {
  /// What a caller is told when the store of `region` did not do its work for a call that changes nothing but the log.
  init(_ error: StoreError, ofReadIn region: String) {
    guard error == .indeterminate else {
      self.init(error, region: region)
      return
    }
    self.init(
      .unavailable, .auditUnavailable,
      "The store of \(region) did not confirm that this call was recorded, so nothing is released. Try again.",
      metadata: ["region": region])
  }

  /// What a caller is told when the store of `region` did not do its work.
  init(_ error: StoreError, region: String) {
    let place = ["region": region]
    switch error {
    case .unavailable:
      self.init(
        .unavailable, .auditUnavailable,
        "The store of \(region) cannot be reached, so the record of this call cannot be made and nothing is released. Try again.",
        metadata: place)
    case .refused(let sqlState) where sqlState.hasPrefix("53"):
      self.init(
        .unavailable, .auditUnavailable,
        "The store of \(region) has no room to record this call, so nothing was released or changed. Its operator has to make some. Try again then.",
        metadata: place)
    case .refused, .unrecordable:
      self.init(
        .unavailable, .auditUnavailable,
        "The store of \(region) refused to record this call, so nothing was released or changed. Its operator has to look.",
        metadata: place)
    case .indeterminate:
      self.init(
        .unavailable, .outcomeUnknown,
        "The store of \(region) did not confirm the commit: the call may or may not have taken effect. "
          + "Repeat it with the same request_id, or settle that (SettleWrite).",
        metadata: place)
    case .overloaded:
      self.init(
        .resourceExhausted, .overloaded,
        "Too many calls are waiting for the store of \(region). Nothing was done. Try again shortly.",
        metadata: place)
    case .quorumUnavailable:
      self.init(
        .unavailable, .quorumUnavailable,
        "Too few standbys of \(region) are attached, so nothing can be made durable. Nothing was done or released. Try again.",
        metadata: place)
    case .noStandbysRequired:
      self.init(
        .failedPrecondition, .quorumUnavailable,
        "\(region) does without synchronous standbys, so a write can be no more than LOCAL there. Leave write_concern out to take that.",
        metadata: place)
    case .noStandby:
      self.init(
        .unavailable, .standbyUnavailable,
        "\(region) has no standby that can be read now. Nothing was released. Ask for LINEARIZABLE, or try again.",
        metadata: place)
    case .standbyBehind:
      self.init(
        .unavailable, .standbyUnavailable,
        "The standbys of \(region) are further behind than the read allows. Nothing was released. Ask for LINEARIZABLE, or try again.",
        metadata: place)
    case .historyLost:
      self.init(
        .failedPrecondition, .historyLost,
        "The session_token is of a history that \(region) does not have any more. Begin a new session: read at LINEARIZABLE.",
        metadata: place)
    case .deadlineExceeded:
      self.init(
        .deadlineExceeded, .deadlineExceeded, "The deadline passed before the call was begun. Nothing was done.", metadata: place)
    case .canceled:
      self.init(.canceled, .canceled, "The call was given up.", metadata: place)
    case .stopping:
      self.init(.unavailable, .stopping, "This coordinator is shutting down. Nothing was done. Try another one.", metadata: place)
    case .corrupt, .foreignDatabase, .schemaTooNew, .migration:
      self.init(
        .dataLoss, .dataLoss,
        "The store of \(region) holds data that cannot be read back. Nothing was released. Its operator has to look.",
        metadata: place)
    }
  }
}

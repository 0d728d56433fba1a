/// PostgreSQL's five-character code of an error or notice: appendix A of its manual.
package struct SQLState: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  package let rawValue: String
  package init(rawValue: String) { self.rawValue = rawValue }
  package init(_ rawValue: String) { self.rawValue = rawValue }
  package var description: String { rawValue }

  package static let warning = SQLState("01000")
  package static let featureNotSupported = SQLState("0A000")
  package static let notNullViolation = SQLState("23502")
  package static let foreignKeyViolation = SQLState("23503")
  package static let uniqueViolation = SQLState("23505")
  package static let checkViolation = SQLState("23514")
  package static let inFailedTransaction = SQLState("25P02")
  package static let invalidStatementName = SQLState("26000")
  package static let undefinedDatabase = SQLState("3D000")
  package static let serializationFailure = SQLState("40001")
  package static let deadlockDetected = SQLState("40P01")
  package static let undefinedTable = SQLState("42P01")
  package static let duplicateDatabase = SQLState("42P04")
  package static let lockNotAvailable = SQLState("55P03")
  package static let queryCanceled = SQLState("57014")
  package static let adminShutdown = SQLState("57P01")
  package static let crashShutdown = SQLState("57P02")
  package static let cannotConnectNow = SQLState("57P03")

  /// What the code's class (its first two characters) stands for.
  package var meaning: String {
    switch rawValue.prefix(2) {
    case "08": "connection exception"
    case "0A": "feature not supported"
    case "22": "data exception"
    case "23": "integrity constraint violation"
    case "25": "invalid transaction state"
    case "28": "invalid authorization"
    case "3D": "invalid catalog name"
    case "40": "transaction rollback"
    case "42": "syntax error or access rule violation"
    case "53": "insufficient resources"
    case "54": "program limit exceeded"
    case "55": "object not in prerequisite state"
    case "57": "operator intervention"
    case "58": "system error"
    default: "error"
    }
  }
}

/// What went wrong with a statement or a connection.
package struct PostgresError: Error, Sendable {
  package enum Kind: Hashable, Sendable {
    /// There is no connection (any more), and nothing of this call was committed.
    case connection
    /// The server refused; the transaction, if any, has failed.
    case server(SQLState)
    /// The call cannot be made, or the server spoke out of turn.
    case `protocol`
    /// The deadline passed; nothing of this call was committed.
    case timeout
    /// The task was cancelled; nothing of this call was committed.
    case canceled
    /// Whether the call committed, or whether its commit is replicated, is not known: ask again before acting on either.
    case indeterminate
    /// A value is not of the type that was asked for.
    case decoding
  }

  package let kind: Kind
  /// Which step of a pipeline failed, counted from 0.
  package let step: Int?
  /// The server's or libpq's own words. They may quote a value: never for a caller, never for a log that leaves the region.
  package let serverMessage: String?
  /// The name of the constraint that was violated.
  package let constraint: String?
  private let reason: String

  /// - Parameter reason: In words that name no SQL, no value and no host.
  init(_ kind: Kind, _ reason: String = "", step: Int? = nil, serverMessage: String? = nil, constraint: String? = nil) {
    self.kind = kind
    self.reason = reason
    self.step = step
    self.serverMessage = serverMessage
    self.constraint = constraint
  }

  func at(step: Int?) -> Self {
    Self(kind, reason, step: step, serverMessage: serverMessage, constraint: constraint)
  }

  package var sqlState: SQLState? {
    if case .server(let state) = kind { state } else { nil }
  }

  package var isUniqueViolation: Bool { sqlState == .uniqueViolation }
  package var isForeignKeyViolation: Bool { sqlState == .foreignKeyViolation }
  /// The transaction lost against another and may be tried again from its start.
  package var isSerializationFailure: Bool { sqlState == .serializationFailure || sqlState == .deadlockDetected }
  package var isIndeterminate: Bool { kind == .indeterminate }

  /// The connection is gone, or there was none: a new one may do better.
  package var isConnectionLoss: Bool {
    switch kind {
    case .connection: true
    case .server(let state):
      state.rawValue.hasPrefix("08") || state == .adminShutdown || state == .crashShutdown || state == .cannotConnectNow
    default: false
    }
  }
}

extension PostgresError: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// Safe to show: no SQL, no values, no host names.
  package var description: String {
    let place = step.map { " (step \($0))" } ?? ""
    let rule = constraint.map { " of \($0)" } ?? ""
    return switch kind {
    case .connection: "no connection to PostgreSQL: \(reason)\(place)"
    case .server(let state): "PostgreSQL refused: \(state.meaning) \(state)\(rule)\(place)"
    case .protocol: "not possible with PostgreSQL: \(reason)\(place)"
    case .timeout: "PostgreSQL did not answer in time: \(reason)\(place)"
    case .canceled: "canceled: \(reason)\(place)"
    case .indeterminate: "the outcome is not known: \(reason)\(place)"
    case .decoding: "unexpected data from PostgreSQL: \(reason)\(place)"
    }
  }

  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: ["description": description]) }
}

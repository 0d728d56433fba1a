import CLibPQ

/// A message that the server sends beside its answers: a warning or a piece of news.
package struct PostgresNotice: Sendable, Hashable {
  /// `WARNING`, `NOTICE`…, in English whatever the server's language.
  package let severity: String
  package let state: SQLState
  /// In the server's words; it may quote a value.
  package let message: String
  /// Which file and function of the server's source it comes from: these are not translated.
  let sourceFile: String
  let sourceFunction: String

  init(_ result: OpaquePointer) {
    severity = ResultField.severity.read(from: result) ?? ""
    state = SQLState(ResultField.sqlState.read(from: result) ?? "")
    message = ResultField.message.read(from: result) ?? ""
    sourceFile = ResultField.sourceFile.read(from: result) ?? ""
    sourceFunction = ResultField.sourceFunction.read(from: result) ?? ""
  }

  /// The wait for a standby was cut short: the transaction is committed here and may be replicated nowhere, although the
  /// server goes on to report success (`SyncRepWaitForLSN` in PostgreSQL's `syncrep.c`).
  package var breaksSynchronousReplication: Bool {
    guard severity == "WARNING" else { return false }
    return sourceFunction == "SyncRepWaitForLSN" || sourceFile == "syncrep.c" || message.contains("synchronous replication")
  }
}

/// A field of a server's error or notice, by the letter that marks it in the protocol.
enum ResultField: Character {
  case severity = "V"
  case sqlState = "C"
  case message = "M"
  case constraint = "n"
  case sourceFile = "F"
  case sourceFunction = "R"

  func read(from result: OpaquePointer) -> String? {
    guard let code = rawValue.asciiValue, let text = PQresultErrorField(result, Int32(code)) else { return nil }
    return String(cString: text)
  }
}

/// Where libpq's callback puts notices. Used only on the connection's own thread.
final class NoticeInbox {
  /// Enough to see what matters; a server that raises more in one exchange has the rest dropped, save replication warnings.
  private static let kept = 64
  private var notices: [PostgresNotice] = []
  private(set) var replicationWasCutShort = false

  func receive(_ notice: PostgresNotice) {
    if notice.breaksSynchronousReplication { replicationWasCutShort = true }
    if notices.count < Self.kept { notices.append(notice) }
  }

  func take() -> [PostgresNotice] {
    guard !notices.isEmpty else { return [] }
    defer { notices.removeAll() }
    return notices
  }

  func clear() {
    notices.removeAll()
    replicationWasCutShort = false
  }
}

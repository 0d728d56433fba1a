import CLibPQ
import Glibc

/// Owns a libpq connection, in non-blocking pipeline mode, and waits for its socket. Lives on the connection's own thread.
struct Link: ~Copyable {
  let raw: OpaquePointer
  let wake: WakeUp
  let inbox = NoticeInbox()
  /// SQL text by statement name: what the server has prepared for this connection.
  var prepared: [String: String] = [:]
  /// The server's state can no longer be told from here, or its prepared statements are of no use.
  private(set) var isBroken = false

  private init(owning raw: OpaquePointer, wake: WakeUp) {
    self.raw = raw
    self.wake = wake
  }

  deinit { PQfinish(raw) }

  /// Connects; blocks for as long as libpq takes, at most the connect timeout for each host.
  static func open(_ configuration: PostgresConfiguration, wake: WakeUp) throws(PostgresError) -> Link {
    guard configuration.publicSettings != nil else {
      throw PostgresError(.connection, "the connection string is not one that libpq can read")
    }
    guard let raw = connect(configuration.libpqParameters) else {
      throw PostgresError(.connection, "out of memory")
    }
    let link = Link(owning: raw, wake: wake)
    try link.prepareForUse()
    return link
  }

  private func prepareForUse() throws(PostgresError) {
    guard PQstatus(raw) == CONNECTION_OK else {
      throw PostgresError(.connection, "it could not be opened", serverMessage: libpqMessage)
    }
    PQsetNoticeReceiver(
      raw,
      { inbox, notice in
        guard let inbox, let notice else { return }
        Unmanaged<NoticeInbox>.fromOpaque(inbox).takeUnretainedValue().receive(PostgresNotice(notice))
      }, Unmanaged.passUnretained(inbox).toOpaque())
    guard PQsetnonblocking(raw, 1) == 0, PQenterPipelineMode(raw) == 1 else {
      throw PostgresError(.connection, "it does not take the pipeline mode", serverMessage: libpqMessage)
    }
  }

  mutating func markBroken() { isBroken = true }

  var isAlive: Bool { !isBroken && PQstatus(raw) == CONNECTION_OK }
  var transactionStatus: PGTransactionStatusType { PQtransactionStatus(raw) }
  var libpqMessage: String { PQerrorMessage(raw).map { String(cString: $0) } ?? "" }
  var socket: Int32 { PQsocket(raw) }

  /// Reads what came while nothing was under way: the end of the connection, notices.
  mutating func absorbIdleInput() throws(PostgresError) {
    // The server's farewell and the end of the stream take two reads; `PQisBusy` parses what was read.
    while isAlive, SocketWait.isReadable(socket), PQconsumeInput(raw) == 1 { _ = PQisBusy(raw) }
    guard isAlive else {
      isBroken = true
      throw PostgresError(.connection, "the connection had ended before the call", serverMessage: libpqMessage)
    }
  }

  /// The next result; `nil` ends the results of one statement.
  ///
  /// - Throws: The interruption's kind or `.connection`, where the connection must be given up.
  mutating func nextResult(_ watch: inout Watch, _ cancel: inout CancelRequest?) throws(PostgresError) -> OpaquePointer? {
    while true {
      guard !isBroken else { throw lost() }
      let unsent = PQflush(raw)
      guard unsent >= 0 else { throw lost() }
      if PQisBusy(raw) == 0 { return PQgetResult(raw) }
      try awaitSocket(&watch, &cancel, writing: unsent == 1)
      // When the server has ended the connection, its last words may still be there to read; PQgetResult does not block then.
      guard PQconsumeInput(raw) == 0 else { continue }
      isBroken = true
      guard let last = PQgetResult(raw) else { throw lost() }
      return last
    }
  }

  private mutating func awaitSocket(
    _ watch: inout Watch, _ cancel: inout CancelRequest?, writing: Bool
  ) throws(PostgresError) {
    while true {
      let event = SocketWait.wait(socket, wake: wake, writing: writing, until: watch.until)
      let action: Watch.Action
      switch event {
      case .ready: return
      case .woken: action = Task.isCancelled ? watch.taskCancelled(now: .now) : .ignore
      case .deadline: action = watch.deadlinePassed(now: .now)
      }
      switch action {
      case .ignore: continue
      case .requestCancel: if cancel?.isFinished ?? true { cancel = CancelRequest(for: raw, wake: wake) }
      case .abandon:
        isBroken = true
        throw PostgresError(watch.interruption ?? .connection, "the server was silent; the connection is closed")
      }
    }
  }

  /// Waits until a request to cancel can no longer hit the next statement; otherwise the connection is of no more use.
  mutating func settle(_ cancel: CancelRequest?) {
    guard let cancel else { return }
    let until = ContinuousClock.now.advanced(by: Watch.grace)
    while !cancel.isFinished {
      if SocketWait.wait(-1, wake: wake, writing: false, until: until) == .deadline {
        isBroken = true
        return
      }
    }
  }

  mutating func lost() -> PostgresError {
    isBroken = true
    return PostgresError(.connection, "the connection was lost", serverMessage: libpqMessage)
  }

  private static func connect(_ parameters: [(keyword: String, value: String)]) -> OpaquePointer? {
    let keywords = parameters.map { strdup($0.keyword) }
    let values = parameters.map { strdup($0.value) }
    defer { for text in keywords + values { free(text) } }
    let terminated = { (texts: [UnsafeMutablePointer<CChar>?]) in texts.map { UnsafePointer($0) } + [nil] }
    return PQconnectdbParams(terminated(keywords), terminated(values), 1)
  }
}

import AuditTrail
import Logging
import RegionStore
import Residency
import ServiceLifecycle
import Synchronization

/// Numbers the requests about subjects that a coordinator receives, and knows which of them have left no leaf.
final class RequestNumbering: Sendable {
  private let book = Mutex(RequestBook())

  fileprivate func take() -> UInt64 { book.withLock { $0.take() } }
  fileprivate func end(_ number: UInt64, _ unrecorded: RequestBook.Unrecorded?) { book.withLock { $0.end(number, unrecorded) } }

  var isIdle: Bool { book.withLock { $0.isIdle } }
  var isLong: Bool { book.withLock { $0.isLong } }
  var account: AuditEvent.Account? { book.withLock { $0.account } }
  func settle(_ account: AuditEvent.Account) { book.withLock { $0.settle(account) } }
}

/// A request's number, held by everything that is done for the request. With the last of it the request has ended.
final class RequestTicket: Sendable {
  private enum State: Sendable {
    /// It is about nobody: a look at the log, a search for a home.
    case unnumbered
    /// Nothing was recorded.
    case numbered(UInt64)
    /// A leaf was made of it.
    case recorded(UInt64)
    /// A leaf was to be written, and was not.
    case failed(UInt64)
  }

  private let numbering: RequestNumbering
  private let state = Mutex(State.unnumbered)

  init(_ numbering: RequestNumbering) { self.numbering = numbering }

  deinit {
    switch state.withLock({ $0 }) {
    case .unnumbered: break
    case .numbered(let number): numbering.end(number, .passed)
    case .recorded(let number): numbering.end(number, nil)
    case .failed(let number): numbering.end(number, .failed)
    }
  }

  /// Its number, from now on if it had none: it is about a subject.
  @discardableResult func number() -> UInt64 {
    state.withLock { state in
      switch state {
      case .numbered(let number), .recorded(let number), .failed(let number): return number
      case .unnumbered:
        let number = numbering.take()
        state = .numbered(number)
        return number
      }
    }
  }

  /// A leaf was made, which is about to be committed.
  func record() -> UInt64 {
    let number = number()
    state.withLock { $0 = .recorded(number) }
    return number
  }

  /// What was to be committed was not, as far as anybody can tell.
  func fail() {
    let number = number()
    state.withLock { $0 = .failed(number) }
  }
}

/// Says in the log, once a minute and at the end, which of the numbered requests have no leaf.
struct RequestAccounting: Service {
  let numbering: RequestNumbering
  let records: OwnRecords
  let logger: Logger

  static let interval = Duration.seconds(60)
  private static let lookEvery = Duration.seconds(1)
  /// A stop does not wait for a store that is gone.
  private static let patience = Duration.seconds(3)

  func run() async throws {
    try? await cancelWhenGracefulShutdown {
      var next = ContinuousClock.now + Self.interval
      while true {
        try await Task.sleep(for: Self.lookEvery)
        guard .now >= next || numbering.isLong else { continue }
        await account()
        next = .now + Self.interval
      }
    }
    // Of its own task: this one may be cancelled.
    await Task { await end() }.value
  }

  /// A stop is recorded only where every request is recorded or accounted for: an auditor takes it for the coordinator's last word.
  private func end() async {
    let limit = ContinuousClock.now + Self.patience
    while !numbering.isIdle, .now < limit {
      do { try await Task.sleep(for: .milliseconds(20)) } catch { break }
    }
    await account()
    guard numbering.isIdle, numbering.account == nil else {
      return logger.warning("this coordinator ends before all of its requests are accounted for in the log")
    }
    do {
      try await records.record(.stop, deadline: .now + Self.patience)
    } catch {
      logger.warning("the end of this coordinator was not recorded", metadata: ["error": "\(error)"])
    }
  }

  /// What does not get into the log now is said the next time.
  func account() async {
    while let account = numbering.account {
      do {
        try await records.record(account, deadline: .now + Self.patience)
        numbering.settle(account)
      } catch {
        return logger.warning("requests without a leaf were not accounted for; they will be", metadata: ["error": "\(error)"])
      }
    }
  }
}

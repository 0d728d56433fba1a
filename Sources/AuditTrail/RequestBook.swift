/// The numbers that a coordinator gives to requests, and what is to be said of those that leave no record.
package struct RequestBook: Sendable {
  /// How a request ended that has no leaf.
  package enum Unrecorded: Sendable { case passed, failed }

  /// So many ranges go into one account: a leaf has room for 65,535 bytes.
  package static let rangesMax = 1_500

  private var received: UInt64 = 0
  private var open: Set<UInt64> = []
  private var passed = NumberRanges()
  private var failed = NumberRanges()
  private var accounted: UInt64 = 0

  package init() {}

  /// The next number. From 1.
  package mutating func take() -> UInt64 {
    received += 1
    open.insert(received)
    return received
  }

  /// A request has ended, and whatever was to be recorded of it was, or never will be.
  /// - Parameter unrecorded: `nil` where there is a leaf.
  package mutating func end(_ number: UInt64, _ unrecorded: Unrecorded?) {
    guard open.remove(number) != nil else { return }
    switch unrecorded {
    case .passed: passed.insert(number)
    case .failed: failed.insert(number)
    case nil: break
    }
  }

  /// Whether every request has ended.
  package var isIdle: Bool { open.isEmpty }

  /// Whether so much is to be said that it should be said now.
  package var isLong: Bool { passed.rangeCount + failed.rangeCount >= Self.rangesMax }

  /// What is to be recorded next; `nil` where nothing has ended since the last account. It is said again until ``settle(_:)``.
  package var account: AuditEvent.Account? {
    var through = open.min().map { $0 - 1 } ?? received
    // What does not fit is said by the next account.
    let ends = (passed.ranges + failed.ranges).map(\.upperBound).sorted()
    if ends.count > Self.rangesMax { through = min(through, ends[Self.rangesMax - 1]) }
    guard through > accounted else { return nil }
    var account = AuditEvent.Account(through: through, passed: passed, failed: failed)
    let said = NumberRanges(1...through)
    account.passed.formIntersection(said)
    account.failed.formIntersection(said)
    return account
  }

  /// The account is in the log.
  package mutating func settle(_ account: AuditEvent.Account) {
    accounted = max(accounted, account.through)
    passed.subtract(account.passed)
    failed.subtract(account.failed)
  }
}

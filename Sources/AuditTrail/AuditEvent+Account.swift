extension AuditEvent {
  /// What a coordinator says of the requests that it has numbered: which of them have no leaf, and why not. Of all numbers up to
  /// ``through``, those that are neither here nor in a leaf are missing.
  package struct Account: Hashable, Sendable {
    /// All requests up to this number have ended.
    package var through: UInt64
    /// Needed no record: they were answered with where the subject is at home, say. Since the account before.
    package var passed: NumberRanges
    /// Could not be recorded, and released nothing. Since the account before.
    package var failed: NumberRanges

    package init(through: UInt64, passed: NumberRanges = NumberRanges(), failed: NumberRanges = NumberRanges()) {
      self.through = through
      self.passed = passed
      self.failed = failed
    }
  }
}

package import Cryptography

extension AuditEvent {
  /// What a coordinator runs with, said when it starts.
  package struct Setup: Hashable, Sendable {
    /// Of the catalog of regions in its canonical form.
    package var catalogHash: SHA256Digest
    /// Of the key that signs this log: eight hexadecimal digits.
    package var logKey: String
    /// Of the key that cosigns other regions' logs.
    package var witnessKey: String

    package init(catalogHash: SHA256Digest, logKey: String, witnessKey: String) {
      self.catalogHash = catalogHash
      self.logKey = logKey
      self.witnessKey = witnessKey
    }

    package init(catalog text: String, logKey: VerifierKey.ID, witnessKey: VerifierKey.ID) {
      self.init(
        catalogHash: SHA256.digest(of: Array(text.utf8)), logKey: logKey.description, witnessKey: witnessKey.description)
    }
  }

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

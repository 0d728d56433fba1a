/// Why a private PostgreSQL cluster cannot be had: what happened, why, and what to do about it.
package struct PrivatePostgresError: Error, Sendable, CustomStringConvertible {
  package let description: String

  /// - Parameter remedy: What to do, as a sentence.
  init(_ what: String, because why: String, remedy: String) {
    description = "\(what): \(why). \(remedy)"
  }
}

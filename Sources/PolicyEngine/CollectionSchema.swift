package import Residency

/// What `collections.yaml` says of one collection.
package struct CollectionSchema: Sendable, Hashable {
  package enum Locality: String, Hashable, Sendable, CaseIterable {
    /// Records live in the subject's home region only.
    case home
    /// Records are the same everywhere and hold nothing about a person.
    case global
  }

  package enum AuditLevel: String, Hashable, Sendable, CaseIterable {
    /// The record of an access is durable before the answer leaves.
    case strict
    /// The record of an access may follow the answer.
    case relaxed
  }

  package enum Allowance: String, Hashable, Sendable, CaseIterable {
    case allowed, refused
  }

  package let name: CollectionName
  package let description: String?
  package let locality: Locality
  package let audit: AuditLevel
  /// Whether a caller may ask for records that may be a moment old.
  package let staleReads: Allowance
  /// Whether a caller may ask for writes that the loss of one server undoes.
  package let localWrites: Allowance
  /// The class of top-level fields that `classes` does not name.
  package let defaultClass: DataClass
  /// The class of each top-level field. What is nested in a field goes with it.
  package let classes: [String: DataClass]

  /// The named fields, in order of their names.
  package var fields: [String] { classes.keys.sorted() }

  package func dataClass(of field: String) -> DataClass { classes[field] ?? defaultClass }
}

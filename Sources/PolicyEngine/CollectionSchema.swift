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
  /// The class of fields that `classes` does not name, and that lie in none that it does.
  package let defaultClass: DataClass
  /// The class of each named field, by its path. What is nested in a field goes with it, unless it has a class of its own.
  package let classes: [String: DataClass]
  /// What named fields lie in, named themselves or not.
  private let outer: Set<String>

  init(
    name: CollectionName, description: String?, locality: Locality, audit: AuditLevel, staleReads: Allowance,
    localWrites: Allowance, defaultClass: DataClass, classes: [String: DataClass]
  ) {
    self.name = name
    self.description = description
    self.locality = locality
    self.audit = audit
    self.staleReads = staleReads
    self.localWrites = localWrites
    self.defaultClass = defaultClass
    self.classes = classes
    outer = Set(classes.keys.flatMap { FieldPath.ancestors(of: $0) })
  }

  /// The named fields, in order of their names.
  package var fields: [String] { classes.keys.sorted() }

  package func dataClass(of field: String) -> DataClass { named(field).flatMap { classes[$0] } ?? defaultClass }

  /// The named field that `field` is or lies in, the nearest.
  func named(_ field: String) -> String? {
    classes[field] != nil ? field : FieldPath.ancestors(of: field).first { classes[$0] != nil }
  }

  /// What policy calls a record's own member: a name that no path can be written with is one of those that no schema names.
  package static func field(ofMember name: String) -> String { FieldPath(member: name)?.text ?? "*" }

  /// Whether something in `field` has a class of its own.
  func isDivided(_ field: String) -> Bool { outer.contains(field) }

  /// `field` and the named fields that lie in it.
  func fields(in field: String) -> [String] {
    isDivided(field) ? [field] + fields.filter { FieldPath.isText($0, within: field) } : [field]
  }
}

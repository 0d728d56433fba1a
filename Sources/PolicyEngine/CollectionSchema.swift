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
    /// And enough witnesses have cosigned it: nobody can deny it later. It takes a second or two.
    case strictWitness = "strict_witness"
    /// The record of an access may follow the answer.
    case relaxed
  }

  package enum Allowance: String, Hashable, Sendable, CaseIterable {
    case allowed, refused
  }

  package let name: CollectionName
  package let description: String?
  package let locality: Locality
  /// What readers get of a document that was written in several regions while these were apart. Of global collections only.
  package let resolver: DocumentResolver?
  package let audit: AuditLevel
  /// Whether a caller may ask for records that may be a moment old.
  package let staleReads: Allowance
  /// Whether a caller may ask for writes that the loss of one server undoes.
  package let localWrites: Allowance
  /// The class of fields that `classes` does not name, and that lie in none that it does.
  package let defaultClass: DataClass
  /// The class of each named field, by its path. What is nested in a field goes with it, unless it has a class of its own.
  package let classes: [String: DataClass]
  /// What named fields lie in, named themselves or not. Without marks of lists.
  private let outer: Set<String>
  /// The named fields by their paths without marks of lists.
  private let byShapeless: [String: String]

  init(
    name: CollectionName, description: String?, locality: Locality, resolver: DocumentResolver? = nil, audit: AuditLevel,
    staleReads: Allowance,
    localWrites: Allowance, defaultClass: DataClass, classes: [String: DataClass]
  ) {
    self.name = name
    self.description = description
    self.locality = locality
    self.resolver = resolver
    self.audit = audit
    self.staleReads = staleReads
    self.localWrites = localWrites
    self.defaultClass = defaultClass
    self.classes = classes
    let shapeless = classes.keys.map { (FieldPath.shapeless($0), $0) }
    // One is named only where the other is not.
    byShapeless = Dictionary(shapeless) { first, second in min(first, second) }
    outer = Set(shapeless.flatMap { FieldPath.ancestors(of: $0.0) })
  }

  /// The named fields, in order of their names.
  package var fields: [String] { classes.keys.sorted() }

  package func dataClass(of field: String) -> DataClass { named(field).flatMap { classes[$0] } ?? defaultClass }

  /// The named field that `field` is or lies in, the nearest.
  func named(_ field: String) -> String? {
    if classes[field] != nil { return field }
    let field = FieldPath.shapeless(field)
    return byShapeless[field] ?? FieldPath.ancestors(of: field).lazy.compactMap { byShapeless[$0] }.first
  }

  /// Whether the schema names the field, or what it lies in.
  package func isNamed(_ field: String) -> Bool { named(field) != nil || isDivided(field) }

  /// What policy calls a record's own member: a name that no path can be written with is one of those that no schema names.
  package static func field(ofMember name: String) -> String { FieldPath(member: name)?.text ?? "*" }

  /// Whether something in `field` has a class of its own.
  func isDivided(_ field: String) -> Bool { outer.contains(FieldPath.shapeless(field)) }

  /// `field` and the named fields that lie in it.
  func fields(in field: String) -> [String] {
    guard isDivided(field) else { return [field] }
    let outer = FieldPath.shapeless(field)
    return [field] + fields.filter { FieldPath.isText(FieldPath.shapeless($0), within: outer) }
  }
}

package import Residency

/// A set of policy files, checked and compiled once. Immutable: a new revision is a new value.
package struct PolicySet: Sendable {
  /// What deserves attention and does not stop the set from serving: lists and agreements past their review.
  package let warnings: [Diagnostic]
  /// `sha256:<hex>` over ``canonicalBytes(of:)``: in every decision and audit leaf.
  package let revision: String
  package let vocabulary: PolicyVocabulary
  /// What the packs call themselves, in order.
  package let policyNames: [String]
  let collections: [CollectionName: CollectionSchema]
  let principals: [PrincipalEntry]
  let agreements: [Agreement]
  /// In order of id: the order of files and of rules in them means nothing.
  let rules: [Rule]
  var regions: [RegionID: Jurisdiction]

  /// The schema of a collection, or `nil` where there is no such collection.
  package func collection(_ name: CollectionName) -> CollectionSchema? { collections[name] }

  /// Every collection, in order of names.
  package var collectionNames: [CollectionName] { collections.keys.sorted() }

  /// How many rules there are.
  package var ruleCount: Int { rules.count }

  /// The purposes that a principal may claim. Empty where no entry of `principals.yaml` names it.
  package func purposes(allowedFor principal: String) -> Set<Purpose> {
    principals.reduce(into: []) { allowed, entry in
      if entry.pattern.matches(principal) { allowed.formUnion(entry.purposes) }
    }
  }

  /// The same rules over other regions. For tests that bring their own.
  func replacing(regions: [RegionID: Jurisdiction]) -> PolicySet {
    var copy = self
    copy.regions = regions
    return copy
  }
}

/// Who may claim which purposes.
struct PrincipalEntry: Hashable, Sendable {
  var pattern: NamePattern
  var purposes: Set<Purpose>
}

/// How sensitive a field is (`public profile contact financial health …`). The closed list is `policies/vocabulary.yaml`;
/// a value is a member only after that list has been asked.
package struct DataClass: Hashable, Sendable, Comparable, CustomStringConvertible {
  package let rawValue: String
  package init(_ rawValue: String) { self.rawValue = rawValue }
  package var description: String { rawValue }
  package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

extension DataClass {
  /// All classes, where people are counted.
  package static let any = DataClass("*")
}

/// Why data is read (`service support billing analytics …`). The closed list is `policies/vocabulary.yaml`.
package struct Purpose: Hashable, Sendable, Comparable, CustomStringConvertible {
  package let rawValue: String
  package init(_ rawValue: String) { self.rawValue = rawValue }
  package var description: String { rawValue }
  package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// The transfer mechanism on file between two jurisdictions (`adequacy scc bcr consent …`).
package struct Safeguard: Hashable, Sendable, Comparable, CustomStringConvertible {
  package let rawValue: String
  package init(_ rawValue: String) { self.rawValue = rawValue }
  package var description: String { rawValue }
  package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// What a recipient is certified under, where a law asks that of the recipient rather than of a contract (`dpf dpf-hr …`).
package struct Certification: Hashable, Sendable, Comparable, CustomStringConvertible {
  package let rawValue: String
  package init(_ rawValue: String) { self.rawValue = rawValue }
  package var description: String { rawValue }
  package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// The name of a collection of records, e.g. `profile`.
package struct CollectionName: Hashable, Sendable, Comparable, CustomStringConvertible {
  package let rawValue: String
  package init(_ rawValue: String) { self.rawValue = rawValue }
  package var description: String { rawValue }
  package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// What readers get of a document that was written in several regions while these were apart.
package enum DocumentResolver: String, Hashable, Sendable, CaseIterable {
  /// The one that was written last by its writer's clock; of two at one moment, every region takes the same.
  case latest
  /// All of them in one: members of objects together, elements of lists together. Where two single values differ, the later one.
  case union
  /// All of them, for the app to make one of.
  case app
}

/// What a request wants to do with a subject's data. `store` asks whether a region may be a subject's home at all.
package enum Action: String, Hashable, Sendable, CaseIterable, Comparable {
  case read, write, store, replicate, move, export

  package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// What a permitted foreign reader gets of a field. Ordered from the most to the least revealing.
package enum View: Int, Hashable, Sendable, CaseIterable, Comparable {
  case clear, last4, hash, pseudonym, drop

  package init?(name: String) {
    guard let view = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = view
  }

  /// The word for it in policy files, answers and audit leaves.
  package var name: String {
    switch self {
    case .clear: "clear"
    case .last4: "last4"
    case .hash: "hash"
    case .pseudonym: "pseudonym"
    case .drop: "drop"
    }
  }

  package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// The subject's legal ties: they limit which regions may be home.
package struct Residence: Hashable, Sendable {
  /// Where the person lives. ISO 3166-1 alpha-2.
  package let country: Jurisdiction
  /// The part of that country, where its law differs. ISO 3166-2, e.g. `CA-QC`.
  package let subdivision: Jurisdiction?
  /// Citizenships, where they are known: some laws key on them rather than on where the person lives.
  package let citizenship: Set<Jurisdiction>?

  package init(country: Jurisdiction, subdivision: Jurisdiction? = nil, citizenship: Set<Jurisdiction>? = nil) {
    self.country = country
    self.subdivision = subdivision
    self.citizenship = citizenship
  }
}

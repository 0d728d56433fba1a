/// The regions of one deployment, checked as a whole: what a region's file says of another region is true here.
package struct RegionCatalog: Sendable, Hashable {
  /// In order of their ordinals.
  package let regions: [RegionDescriptor]

  /// Whose database addresses must be known.
  package enum StoresNeeded: Sendable, Hashable {
    /// Nobody's: to list regions, to make certificates.
    case none
    /// Only this region's: what its own coordinator needs.
    case of(RegionID)
    /// Everybody's: `domicile region check`.
    case all
  }

  /// Only from descriptors that have been checked together.
  init(checked regions: [RegionDescriptor]) {
    self.regions = regions.sorted { $0.ordinal < $1.ordinal }
  }

  /// Those that replicate the directory: all that are not retired.
  package var members: [RegionDescriptor] { regions.filter(\.status.isMember) }
  /// Those of which most, or all, have to know something at the levels QUORUM and ALL.
  package var counted: [RegionDescriptor] { regions.filter(\.status.counts) }

  package subscript(id: RegionID) -> RegionDescriptor? { regions.first { $0.id == id } }
  package subscript(ordinal: RegionOrdinal) -> RegionDescriptor? { regions.first { $0.ordinal == ordinal } }

  /// The catalog of a coordinator of `local`, or of no region in particular.
  /// - Throws: ``ConfigurationError`` with everything that is wrong in any of the files.
  package static func load(
    _ files: [(path: String, text: String)], environment: [String: String], local: RegionID?
  ) throws(ConfigurationError) -> RegionCatalog {
    try load(files, environment: environment, stores: local.map { .of($0) } ?? .none)
  }

  /// What all regions must agree on, as canonical JSON: names, ordinals, jurisdictions, addresses for others, audit origins and
  /// witnesses. Its hash tells whether two regions work from the same catalog, so it leaves out what is each region's own
  /// affair: database addresses, listen addresses, where the files lie.
  package var revisionText: String {
    JSONValue.array(regions.map(\.revisionValue)).canonicalText
  }
}

extension RegionDescriptor {
  fileprivate var revisionValue: JSONValue {
    var members: [String: JSONValue] = [
      "region": .string(id.rawValue),
      "ordinal": .integer(ordinal.rawValue),
      "jurisdiction": .string(jurisdiction.rawValue),
      "name": .string(name),
      "location": ["latitude": .number(location.latitude), "longitude": .number(location.longitude)],
      "coordinator": .string(coordinator.url.text),
      "peer": .string(peer.url.text),
      "audit": ["origin": .string(audit.origin), "witnesses": .array(audit.witnesses.map { .string($0.rawValue) })],
    ]
    // Left out where it is what a file without it says.
    if status != .active { members["status"] = .string(status.rawValue) }
    return .object(members)
  }
}

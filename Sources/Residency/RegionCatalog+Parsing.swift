extension RegionCatalog {
  /// Reads and checks region files.
  /// - Parameters:
  ///   - files: each with the path that diagnostics name; the file of region `eu-west` is `eu-west.yaml`.
  ///   - environment: what `${VARIABLE}` and `${VARIABLE:-default}` are taken from.
  ///   - stores: whose database addresses must be known; elsewhere a missing variable leaves ``RegionDescriptor/store`` `nil`.
  /// - Throws: ``ConfigurationError`` with everything that is wrong in any of the files.
  package static func load(
    _ files: [(path: String, text: String)], environment: [String: String], stores: StoresNeeded
  ) throws(ConfigurationError) -> RegionCatalog {
    var diagnostics: [Diagnostic] = []
    var drafts: [RegionDraft] = []
    for file in files.sorted(by: { $0.path < $1.path }) {
      do {
        let document = try ConfigurationNode.parse(file.text, file: file.path)
        var reader = RegionFileReader(environment: environment, stores: stores)
        if let draft = reader.read(document) { drafts.append(draft) }
        diagnostics += reader.diagnostics
      } catch {
        diagnostics += error.diagnostics
      }
    }
    let check = RegionCatalogCheck(drafts: drafts, paths: files.map(\.path), stores: stores, folder: folder(of: files))
    diagnostics += check.diagnostics
    guard diagnostics.isEmpty else { throw ConfigurationError(diagnostics) }
    // Whatever keeps a draft from being complete has been reported; a count that differs would be a hole in the reader.
    let regions = drafts.compactMap(\.descriptor)
    guard regions.count == files.count else {
      throw ConfigurationError([Diagnostic(at: folder(of: files), "a region file is incomplete")])
    }
    return RegionCatalog(checked: regions)
  }

  /// What to name where no file is to blame.
  private static func folder(of files: [(path: String, text: String)]) -> SourceLocation {
    let path = files.map(\.path).min().flatMap { path in path.lastIndex(of: "/").map { String(path[..<$0]) } }
    return SourceLocation(file: path ?? "regions", line: 1, column: 1)
  }
}

/// A value and where it stands.
struct Located<Value: Sendable>: Sendable {
  let value: Value
  let location: SourceLocation
}

/// What could be read of one region file; what is missing has a diagnostic.
struct RegionDraft: Sendable {
  var id: Located<RegionID>?
  var ordinal: Located<RegionOrdinal>?
  var jurisdiction: Located<Jurisdiction>?
  var name: String?
  var location: RegionDescriptor.Coordinates?
  var coordinator: ServiceDraft?
  var peer: ServiceDraft?
  var store: RegionDescriptor.Store?
  var origin: Located<String>?
  var witnesses: Located<[Located<RegionID>]>?
  /// `nil` where it is wrong, which has a diagnostic.
  var status: RegionDescriptor.Status? = .active
  let source: SourceLocation

  struct ServiceDraft: Sendable {
    var listen: Located<ListenAddress>?
    var url: Located<HTTPSOrigin>?

    var service: RegionDescriptor.Service? {
      guard let listen, let url else { return nil }
      return RegionDescriptor.Service(listen: listen.value, url: url.value)
    }
  }

  var descriptor: RegionDescriptor? {
    guard let id, let ordinal, let jurisdiction, let name, let location, let coordinator = coordinator?.service,
      let peer = peer?.service, let origin, let witnesses, let status
    else { return nil }
    return RegionDescriptor(
      id: id.value, ordinal: ordinal.value, jurisdiction: jurisdiction.value, name: name, location: location,
      coordinator: coordinator, peer: peer, store: store,
      audit: RegionDescriptor.Audit(origin: origin.value, witnesses: witnesses.value.map(\.value)), status: status,
      source: source)
  }
}

package import Residency

extension PolicySet {
  /// Reads and checks a policy directory's files as a whole.
  ///
  /// Files named `*.test.yaml` are not part of the policy and are passed over (``PolicyTests`` reads them).
  /// - Parameters:
  ///   - regions: the catalog. A request that names another region, or one of these elsewhere, is denied.
  ///   - today: against which reviews are due.
  ///   - digest: SHA-256.
  /// - Throws: ``ConfigurationError`` with every error in every file. Warnings alone do not throw: see ``warnings``.
  package static func load(
    _ files: [PolicyFile], regions: [Place], today: CalendarDate, digest: ([UInt8]) -> [UInt8]
  ) throws(ConfigurationError) -> PolicySet {
    let (policies, globalCollections) = try read(files, regions: regions, today: today, digest: digest)
    let closed = policies.closedReplications(globalCollections, on: today)
    let diagnostics = (policies.warnings + closed).sorted { $0.location < $1.location }
    guard !closed.contains(where: { $0.severity == .error }) else { throw ConfigurationError(diagnostics) }
    return policies.with(warnings: diagnostics)
  }

  /// Policies that decided before, to decide again as they did then: whether they may serve a deployment of today is another question.
  package static func loadDecided(
    _ files: [PolicyFile], regions: [Place], on day: CalendarDate, digest: ([UInt8]) -> [UInt8]
  ) throws(ConfigurationError) -> PolicySet {
    try read(files, regions: regions, today: day, digest: digest).0
  }

  /// Reads and checks all but whether what is global may be in every region.
  /// - Returns: the policies, and where the global collections stand.
  static func read(
    _ files: [PolicyFile], regions: [Place], today: CalendarDate, digest: ([UInt8]) -> [UInt8]
  ) throws(ConfigurationError) -> (PolicySet, globalCollections: [CollectionName: SourceLocation]) {
    let known = regions.compactMap { place in place.region.map { ($0, place.jurisdiction) } }
    let catalog = Dictionary(known, uniquingKeysWith: { first, _ in first })
    var reader = PolicyReader(regions: catalog, today: today)
    reader.read(files)
    guard !reader.diagnostics.contains(where: { $0.severity == .error }), let vocabulary = reader.vocabulary,
      let collections = reader.collections
    else { throw ConfigurationError(reader.diagnostics.sorted { $0.location < $1.location }) }
    let policies = PolicySet(
      warnings: reader.diagnostics.sorted { $0.location < $1.location },
      revision: "sha256:\(digest(canonicalBytes(of: files)).hex)",
      fileNames: Set(files.filter { !$0.isTest }.map { String($0.path.dropFirst(folder(of: files).count)) }),
      vocabulary: vocabulary,
      packs: reader.packs, collections: collections, principals: reader.principals,
      agreements: reader.agreements, rules: reader.rules,
      invariants: reader.invariants.sorted { $0.id < $1.id }, lists: reader.lists, regions: catalog)
    let errors = policies.monitoringErrors(from: today)
    guard errors.isEmpty else {
      throw ConfigurationError((reader.diagnostics + errors).sorted { $0.location < $1.location })
    }
    return (policies, reader.globalCollections)
  }
}

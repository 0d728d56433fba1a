package import AuditTrail
import Cryptography
package import PolicyEngine
package import Residency

/// Makes a log's recorded decisions again, in order, by the policies that an auditor has.
package struct RederivationTally {
  /// Files by the revision that they are.
  private let files: [String: [PolicyFile]]
  private let catalog: RegionCatalog?
  /// Regions as the log itself names them, where there is no catalog to hold it to.
  private var named: Set<Place> = []
  private var compiled: [String: PolicySet] = [:]

  package private(set) var agreeing = 0
  private var outdated = 0
  private var undecided = 0
  private var differing: [Finding] = []
  private var differingLeftOut = 0
  private var withoutFacts: (first: Int, count: Int)?
  private var unknownRevisions: [String: (first: Int, count: Int)] = [:]
  /// Revisions whose files do not load, with the first reason.
  private var unusable: [String: String] = [:]
  private var otherCatalog: (first: Int, count: Int)?

  /// - Parameters:
  ///   - folders: the files of each set of policies, as `PolicyFolder.readForRecords` gives them.
  ///   - catalog: the deployment's regions; `nil`: as the log names them.
  package init(policies folders: [[PolicyFile]], catalog: RegionCatalog?) {
    files = Dictionary(
      folders.map { ("sha256:\(SHA256.digest(of: PolicySet.canonicalBytes(of: $0)).description)", $0) },
      uniquingKeysWith: { first, _ in first })
    self.catalog = catalog
  }

  package mutating func add(_ leaf: LogLeaf) {
    let event = leaf.event
    compareCatalog(leaf)
    guard let revision = event.policyRevision, event.facts != nil else { return count(Rederivation(event, by: nil), leaf) }
    note(event)
    guard let policies = policies(of: revision, on: CalendarDate(secondsSince1970: event.time.milliseconds / 1_000)) else {
      let known = unknownRevisions[revision]
      unknownRevisions[revision] = (known?.first ?? leaf.index, (known?.count ?? 0) + 1)
      return
    }
    count(Rederivation(event, by: policies), leaf)
  }

  private mutating func count(_ outcome: Rederivation, _ leaf: LogLeaf) {
    switch outcome {
    case .agrees: agreeing += 1
    case .outdated: outdated += 1
    case .undecided: undecided += 1
    case .withoutFacts: withoutFacts = (withoutFacts?.first ?? leaf.index, (withoutFacts?.count ?? 0) + 1)
    case .differs(let again, let what):
      guard differing.count < VerificationReport.findingCountMax else {
        differingLeftOut += 1
        return
      }
      differing.append(
        .decisionDiffers(
          index: leaf.index, what: what.map(\.rawValue), recorded: leaf.event.verdict, again: again.verdict))
    }
  }

  private mutating func note(_ event: AuditEvent) {
    guard catalog == nil else { return }
    let places =
      [event.home, event.requester, event.facts?.home].compactMap(\.self) + event.hops.map(\.to)
      + (event.facts?.recipients ?? [])
    for place in places where place.region != nil {
      // Policies are loaded for the regions that there are.
      if let place = Place(place), named.insert(place).inserted { (compiled, unusable) = ([:], [:]) }
    }
  }

  private mutating func compareCatalog(_ leaf: LogLeaf) {
    guard let catalog, let setup = leaf.event.setup,
      setup.catalogHash != SHA256.digest(of: Array(catalog.revisionText.utf8))
    else { return }
    otherCatalog = (otherCatalog?.first ?? leaf.index, (otherCatalog?.count ?? 0) + 1)
  }

  /// - Parameter day: on which they decided: policies that had lists or permits end since loaded then.
  private mutating func policies(of revision: String, on day: CalendarDate) -> PolicySet? {
    if let known = compiled[revision] { return known }
    guard let files = files[revision], unusable[revision] == nil else { return nil }
    let regions = catalog.map { $0.regions.map { Place(region: $0.id, jurisdiction: $0.jurisdiction) } } ?? Array(named)
    do throws(ConfigurationError) {
      let policies = try PolicySet.loadDecided(files, regions: regions, on: day, digest: SHA256.hash)
      compiled[revision] = policies
      return policies
    } catch {
      unusable[revision] = error.diagnostics.first.map { "\($0.location.fileAndLine): \($0.message)" } ?? "they do not load"
      return nil
    }
  }
}

extension RederivationTally {
  package var findings: [Finding] {
    var findings = differing
    if let withoutFacts { findings.append(.factsMissing(first: withoutFacts.first, count: withoutFacts.count)) }
    for (revision, leaves) in unknownRevisions.sorted(by: { $0.value.first < $1.value.first }) {
      let reason = unusable[revision].map { " (\($0))" } ?? ""
      findings.append(.policiesMissing(revision: revision + reason, first: leaves.first, count: leaves.count))
    }
    return findings
  }

  package var observations: [String] {
    var lines = ["\(agreeing) decisions were made again from their facts, with the same outcome"]
    if outdated > 0 {
      lines.append("\(outdated) requests from abroad were denied because the policies could not be confirmed: no rule was asked")
    }
    if differingLeftOut > 0 { lines.append("\(differingLeftOut) more decisions do not follow from their facts") }
    if let otherCatalog {
      lines.append(
        "\(otherCatalog.count) times, first at leaf \(otherCatalog.first), a coordinator started with another catalog of regions than the one given"
      )
    }
    return lines
  }

  package var notChecked: [String] {
    var lines = [
      "that the facts were so: who asked, what the person agreed to and where they live is the region's word",
      "what was masked in each record: the record is not in the log",
    ]
    if undecided > 0 {
      lines.append(
        "\(undecided) leaves that rest on no decision of this region: what coordinators do of themselves, what an app asked of another region (its home decides: verify holds the two logs against each other), refusals before policy is asked"
      )
    }
    if catalog == nil { lines.append("that regions are where the log says: no catalog was given") }
    return lines
  }
}

extension AuditEvent {
  /// In few words: what came out, by which rules.
  fileprivate var verdict: String {
    let by = rules.prefix(3).map(\.id).joined(separator: ", ")
    let basis = (legalBasis.map { [$0] } ?? []) + (safeguard.map { [$0.rawValue] } ?? []) + (agreement.map { [$0.id] } ?? [])
    return "\(effect.rawValue) by \(by.isEmpty ? "no rule" : by)\(rules.count > 3 ? " and \(rules.count - 3) more" : "")"
      + (basis.isEmpty ? "" : " (\(basis.joined(separator: ", ")))")
      + (classes.isEmpty ? "" : " on \(classes.map(\.rawValue).joined(separator: ", "))")
  }
}

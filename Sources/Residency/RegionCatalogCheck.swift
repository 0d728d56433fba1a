/// What can only be judged with all region files side by side.
struct RegionCatalogCheck {
  private let drafts: [RegionDraft]
  /// The names that unreadable files stand for: nothing that names them is wrong for it.
  private let unreadable: Set<String>
  private(set) var diagnostics: [Diagnostic] = []

  /// - Parameter paths: every file that was given, also those that could not be read.
  init(drafts: [RegionDraft], paths: [String], stores: RegionCatalog.StoresNeeded, folder: SourceLocation) {
    self.drafts = drafts
    let readable = Set(drafts.filter { $0.id != nil }.map(\.source.file))
    unreadable = Set(
      paths.filter { !readable.contains($0) }.compactMap { path in
        path.split(separator: "/").last.flatMap { $0.split(separator: ".").first }.map(String.init)
      })
    checkLocal(stores, folder: folder)
    checkDuplicates()
    checkListenAddresses()
    for draft in drafts { checkWitnesses(of: draft) }
    checkMembers(folder: folder)
  }

  private mutating func checkMembers(folder: SourceLocation) {
    guard unreadable.isEmpty, !drafts.isEmpty, !drafts.contains(where: { $0.status?.takesSubjects ?? true }) else { return }
    report(
      at: folder, "no region is active, so nobody can be registered",
      help: "let one region's status be 'active', which it is where its file has none")
  }

  private var names: [String] { drafts.compactMap { $0.id?.value.rawValue }.sorted() }

  private mutating func report(at location: SourceLocation, _ message: String, help: String) {
    diagnostics.append(Diagnostic(at: location, message, help: help))
  }

  private mutating func checkLocal(_ stores: RegionCatalog.StoresNeeded, folder: SourceLocation) {
    guard !drafts.isEmpty || !unreadable.isEmpty else {
      return report(at: folder, "there is no region file", help: "describe each region in a file of its own, e.g. 'eu-west.yaml'")
    }
    guard case .of(let local) = stores, !names.contains(local.rawValue), !unreadable.contains(local.rawValue) else { return }
    let help =
      nearest(local.rawValue, in: names).map { "did you mean '\($0)'?" } ?? "the regions are \(names.joined(separator: ", "))"
    report(at: folder, "there is no region '\(local)'", help: help)
  }

  private mutating func checkDuplicates() {
    let free = (drafts.compactMap { $0.ordinal?.value.rawValue }.max().map { Int($0) } ?? 0) + 1
    checkUnique(drafts.compactMap(\.id), "region", help: "every region has a name of its own")
    checkUnique(
      drafts.compactMap(\.ordinal), "ordinal", help: "write a number that no region ever had, e.g. \(min(free, 65535))")
    checkUnique(
      drafts.compactMap(\.origin), "audit.origin",
      help: "every log has an origin of its own, e.g. '<region>.domicile.example/audit'")
    let urls = drafts.flatMap { [$0.coordinator?.url, $0.peer?.url] }.compactMap { $0 }
      .map { Located(value: HostAndPort(host: $0.value.host, port: $0.value.port), location: $0.location) }
    checkUnique(urls, "URL", help: "calls for two regions would reach one server: give each a host or port of its own")
  }

  private struct HostAndPort: Hashable, CustomStringConvertible {
    let host: String
    let port: Int
    var description: String { "\(host):\(port)" }
  }

  private mutating func checkUnique<Value: Hashable>(_ values: [Located<Value>], _ what: String, help: String) {
    var first: [Value: SourceLocation] = [:]
    for value in values {
      if let earlier = first[value.value] {
        report(at: value.location, "\(what) \(value.value) is already taken at \(earlier.fileAndLine)", help: help)
      } else {
        first[value.value] = value.location
      }
    }
  }

  /// Two servers cannot bind one address of one machine. Regions that bind every address of theirs (`0.0.0.0`, as in
  /// containers) stand on different machines, and may use the same port there.
  private mutating func checkListenAddresses() {
    var seen: [(region: Int, address: Located<ListenAddress>)] = []
    for (region, draft) in drafts.enumerated() {
      for address in [draft.coordinator?.listen, draft.peer?.listen].compactMap({ $0 }) {
        let clash = seen.first { earlier in
          guard earlier.address.value.port == address.value.port else { return false }
          let anyWildcard = earlier.address.value.isWildcard || address.value.isWildcard
          return anyWildcard ? earlier.region == region : earlier.address.value.host == address.value.host
        }
        if let clash {
          report(
            at: address.location, "listen address \(address.value) is already taken at \(clash.address.location.fileAndLine)",
            help: "give each server a port of its own")
        }
        seen.append((region, address))
      }
    }
  }

  /// At least one witness must stand under another law, where the deployment has one: a court that can order one region's
  /// operator to rewrite history cannot order the witness.
  private mutating func checkWitnesses(of draft: RegionDraft) {
    guard let witnesses = draft.witnesses, let id = draft.id?.value else { return }
    let known = Dictionary(
      drafts.compactMap { draft in draft.id.map { ($0.value, draft) } }, uniquingKeysWith: { first, _ in first })
    let others = names.filter { $0 != id.rawValue }
    var named: Set<RegionID> = []
    for witness in witnesses.value {
      if witness.value == id {
        report(
          at: witness.location, "\(id) cannot be its own witness", help: "name other regions: \(others.joined(separator: ", "))")
      } else if known[witness.value] == nil, !unreadable.contains(witness.value.rawValue) {
        let help = nearest(witness.value.rawValue, in: others).map { "did you mean '\($0)'?" }
        report(
          at: witness.location, "there is no region '\(witness.value)'",
          help: help ?? (others.isEmpty ? "remove it" : "name other regions: \(others.joined(separator: ", "))"))
      }
      if known[witness.value]?.status == .retired, draft.status != .retired {
        report(at: witness.location, "the witness '\(witness.value)' is retired", help: "name another region in its place")
      }
      if !named.insert(witness.value).inserted {
        report(at: witness.location, "witness '\(witness.value)' is named twice", help: "remove one")
      }
    }
    checkForeignWitness(of: id, draft, witnesses, known: known)
  }

  private mutating func checkForeignWitness(
    of id: RegionID, _ draft: RegionDraft, _ witnesses: Located<[Located<RegionID>]>, known: [RegionID: RegionDraft]
  ) {
    guard let own = draft.jurisdiction?.value.country else { return }
    func isForeign(_ region: RegionID) -> Bool { known[region]?.jurisdiction.map { $0.value.country != own } ?? false }
    let foreign = known.keys.filter { $0 != id && isForeign($0) }.sorted()
    // A witness whose own file is in error may be the foreign one: that file's diagnostic comes first.
    let undecided = witnesses.value.contains { known[$0.value].map { $0.jurisdiction == nil } ?? true }
    guard !foreign.isEmpty, !undecided, !witnesses.value.contains(where: { isForeign($0.value) }) else { return }
    report(
      at: witnesses.location, "\(id) has no witness outside \(own)",
      help: "add a region of another jurisdiction: \(foreign.map(\.rawValue).joined(separator: ", "))")
  }
}

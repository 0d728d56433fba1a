import Residency

/// Reads policy files into rules. Goes on after an error, so that one run reports every one; what it cannot read it leaves out,
/// and a set with an error in it is never used.
struct PolicyReader {
  var diagnostics: [Diagnostic] = []
  let regions: [RegionID: Jurisdiction]
  let today: CalendarDate

  var vocabulary: PolicyVocabulary?
  var collections: [CollectionName: CollectionSchema]?
  /// Where those stand that every region holds.
  var globalCollections: [CollectionName: SourceLocation] = [:]
  var principals: [PrincipalEntry] = []
  var agreements: [Agreement] = []
  var rules: [Rule] = []
  var invariants: [Invariant] = []
  var packs: [PolicyPack] = []
  var lists: [String: ListDocument] = [:]
  /// Lists that are there but could not be read: naming one is no second error.
  var unreadableLists: Set<String> = []

  init(regions: [RegionID: Jurisdiction], today: CalendarDate) {
    self.regions = regions
    self.today = today
  }

  mutating func read(_ files: [PolicyFile]) {
    var documents: [PolicyRole: [ConfigurationNode]] = [:]
    for file in files where !file.isTest {
      do throws(ConfigurationError) {
        let node = try ConfigurationNode.parse(file.text, file: file.path)
        guard let role = role(of: file, node) else { continue }
        documents[role, default: []].append(node)
      } catch {
        diagnostics += error.diagnostics
        unreadableLists.insert(String(file.name.split(separator: ".").first ?? ""))
      }
    }
    let root = (files.first { PolicyRole.named($0.name) != nil } ?? files.first).map { String($0.directory) } ?? "policies/"
    for role in [PolicyRole.vocabulary, .collections, .principals] where !files.contains(where: { $0.name == role.fileName }) {
      report(SourceLocation(file: root + role.fileName, line: 1, column: 1), "there is no \(role.fileName)", help: "add the file")
    }
    // What later files may name is read first.
    for node in documents[.vocabulary] ?? [] { readVocabulary(node) }
    guard !diagnostics.contains(where: { $0.severity == .error && $0.location.file.hasSuffix(PolicyRole.vocabulary.fileName) })
    else {
      return
    }
    for node in documents[.collections] ?? [] { readCollections(node) }
    for node in documents[.principals] ?? [] { readPrincipals(node) }
    // Without the words everything else would be an error as well.
    guard !diagnostics.contains(where: { $0.severity == .error }) else { return }
    for node in documents[.list] ?? [] { readList(node) }
    checkLists()
    for node in documents[.agreements] ?? [] { readAgreements(node) }
    checkAgreements()
    for node in documents[.policy] ?? [] { readPack(node) }
    for node in documents[.invariants] ?? [] { readInvariants(node) }
    checkNames(in: documents[.principals]?.first?.location ?? SourceLocation(file: root, line: 1, column: 1))
    if documents[.policy] == nil, !diagnostics.contains(where: { $0.severity == .error }) {
      report(
        SourceLocation(file: root, line: 1, column: 1), "there is no policy", help: "add a file that starts with 'policy: NAME'")
    }
  }

  /// Proofs look at a name for every combination of patterns.
  private mutating func checkNames(in location: SourceLocation) {
    let conditions = (rules + invariants.map(\.scope)).flatMap { $0.conditions + $0.exceptions }
    let asked = conditions.flatMap { if case .principal(let patterns) = $0 { patterns } else { [NamePattern]() } }
    guard NamePattern.names(tellingApart: principals.map(\.pattern) + asked) == nil else { return }
    report(
      location, "the patterns of principals' names overlap in too many ways to be looked through",
      help: "use fewer '*', at the ends of names: 'app:*'")
  }

  private mutating func role(of file: PolicyFile, _ node: ConfigurationNode) -> PolicyRole? {
    if let role = PolicyRole.named(file.name) { return role }
    if case .mapping(let pairs) = node.content {
      for (key, _) in pairs {
        guard case .scalar(let text) = key.content else { continue }
        if text == PolicyRole.list.rawValue { return .list }
        if text == PolicyRole.policy.rawValue { return .policy }
      }
    }
    report(node.location, "neither a policy nor a list", help: "start with 'policy: NAME' for rules, or 'list: NAME' for a list")
    return nil
  }

  mutating func report(_ location: SourceLocation, _ message: String, help: String? = nil) {
    diagnostics.append(Diagnostic(at: location, message, help: help))
  }

  mutating func warn(_ location: SourceLocation, _ message: String, help: String? = nil) {
    diagnostics.append(Diagnostic(.warning, at: location, message, help: help))
  }
}

extension PolicyReader {
  /// The members of a list of words, each a value that `parse` accepts. A lone word counts as a list of one; an empty list,
  /// and a word given twice, are errors.
  mutating func words<Value: Hashable>(
    _ node: ConfigurationNode, _ what: String, parse: (inout PolicyReader, String, SourceLocation) -> Value?
  ) -> [Value] {
    guard let items = node.items(what, &diagnostics) else { return [] }
    if items.isEmpty { report(node.location, "\(what) is empty", help: "name at least one, or remove it") }
    var values: [Value] = []
    for item in items {
      guard let text = item.string("a value of \(what)", &diagnostics), let value = parse(&self, text, item.location) else {
        continue
      }
      if values.contains(value) {
        report(item.location, "'\(text)' is given twice in \(what)")
      } else {
        values.append(value)
      }
    }
    return values
  }

  /// `text`, if it is in the closed list.
  mutating func member(of known: [String], _ text: String, _ what: String, at location: SourceLocation) -> String? {
    if known.contains(text) { return text }
    report(location, "there is no \(what) '\(text)'", help: suggestion(for: text, in: known))
    return nil
  }

  func suggestion(for text: String, in known: [String]) -> String {
    if let candidate = nearest(text, in: known) { return "did you mean '\(candidate)'?" }
    return known.isEmpty ? "none is declared" : "one of: \(known.joined(separator: ", "))"
  }

  mutating func date(_ node: ConfigurationNode?, _ what: String) -> CalendarDate? {
    guard let node, let text = node.string(what, &diagnostics) else { return nil }
    if let date = CalendarDate(text) { return date }
    report(node.location, "\(what) is not a day: '\(text)'", help: "write it as 2026-11-22")
    return nil
  }

  /// `from` and `until` of a rule, a member or an agreement.
  mutating func period(_ fields: [String: ConfigurationNode]) -> Period {
    let period = Period(from: date(fields["from"], "'from'"), until: date(fields["until"], "'until'"))
    if let from = period.from, let until = period.until, from >= until, let node = fields["until"] {
      report(
        node.location, "'until' \(until) is not after 'from' \(from)",
        help: "'until' is the first day on which it no longer holds")
    }
    return period
  }

  mutating func text(_ node: ConfigurationNode?, _ what: String) -> String? {
    guard let node, let text = node.string(what, &diagnostics) else { return nil }
    guard !text.isEmpty else {
      report(node.location, "\(what) is empty")
      return nil
    }
    return text
  }

  /// A name that decisions and reports show: letters, digits, and `.`, `-` and `_` between them.
  mutating func name(_ node: ConfigurationNode?, _ what: String) -> String? {
    guard let node, let text = text(node, what) else { return nil }
    guard text.isPlainName else {
      report(node.location, "\(what) is '\(text)'", help: "write it with letters, digits, '.', '-' and '_'")
      return nil
    }
    return text
  }

  mutating func choice<Value: RawRepresentable & CaseIterable>(
    _ node: ConfigurationNode?, _ what: String, _: Value.Type
  ) -> Value? where Value.RawValue == String {
    guard let node, let text = node.string(what, &diagnostics) else { return nil }
    return member(of: Value.allCases.map(\.rawValue), text, what, at: node.location).flatMap(Value.init(rawValue:))
  }
}

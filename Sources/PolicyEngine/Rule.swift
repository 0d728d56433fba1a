import Residency

/// A rule of a pack, resolved and checked.
struct Rule: Hashable, Sendable {
  /// What decisions say of it: made once, since each decision does.
  let matched: MatchedRule
  /// The name of its pack.
  var policy: String
  /// For `require`: every action that takes data out.
  var actions: Set<Action>
  /// Where the pack applies. `nil`: everywhere (`home: "*"`).
  var pack: JurisdictionSet?
  /// All must hold.
  var conditions: [Condition]
  /// The rule does not apply where all of these hold. Empty: no exception.
  var exceptions: [Condition]
  var views: FieldViews
  var mechanism: Safeguard?
  var period: Period

  init(
    policy: String, _ matched: MatchedRule, actions: Set<Action>, pack: JurisdictionSet?, conditions: [Condition],
    exceptions: [Condition], views: FieldViews, mechanism: Safeguard?, period: Period
  ) {
    self.matched = matched
    self.policy = policy
    self.actions = actions
    self.pack = pack
    self.conditions = conditions
    self.exceptions = exceptions
    self.views = views
    self.mechanism = mechanism
    self.period = period
  }

  var id: String { matched.id }
  var kind: RuleKind { matched.kind }
  var location: SourceLocation { matched.location }
  var basis: String? { matched.basis }
}

/// How near the requester is to the subject's home. Each includes the ones before it.
enum LocalityWord: String, Hashable, Sendable, CaseIterable {
  /// The home region itself.
  case region
  /// Anywhere in the home's jurisdiction.
  case jurisdiction
  /// Home and requester are both in the list that the pack names as `home`.
  case bloc
}

/// One clause of `when` or `unless`: a key, and the values of which one must be the case.
enum Condition: Hashable, Sendable {
  case locality(Set<LocalityWord>)
  case requester(JurisdictionSet)
  case requesterRegion(Set<RegionID>)
  case home(JurisdictionSet)
  case dataClass(Set<DataClass>)
  case purpose(Set<Purpose>)
  case collection(Set<CollectionName>)
  case consent(Set<ConsentKind>)
  case safeguard(Set<Safeguard>)
  case principal([NamePattern])
  case residence(JurisdictionSet)
  case citizenship(JurisdictionSet)
  case subdivision(JurisdictionSet)
  case certified(Set<Certification>)
  case firstWrite(JurisdictionSet)
  case transferredThisYear(CountRange)

  var key: ConditionKey {
    switch self {
    case .locality: .locality
    case .requester: .requester
    case .requesterRegion: .requesterRegion
    case .home: .home
    case .dataClass: .dataClass
    case .purpose: .purpose
    case .collection: .collection
    case .consent: .consent
    case .safeguard: .safeguard
    case .principal: .principal
    case .residence: .residence
    case .citizenship: .citizenship
    case .subdivision: .subdivision
    case .certified: .certified
    case .firstWrite: .firstWrite
    case .transferredThisYear: .transferredThisYear
    }
  }
}

/// `{ at_least: 100000, below: 1000000, of: any }`: how many people, from the one number up to and without the other.
struct CountRange: Hashable, Sendable {
  /// Whose data of which class counts.
  enum Counted: String, Hashable, Sendable, CaseIterable {
    /// The class that is asked about.
    case sameClass = "class"
    /// Any class: each person once, whatever left.
    case any
  }

  var atLeast: Int?
  var below: Int?
  var of: Counted = .sameClass

  func contains(_ count: Int) -> Bool { count >= (atLeast ?? 0) && (below.map { count < $0 } ?? true) }
}

/// The keys of clauses, as policy files write them.
enum ConditionKey: String, Hashable, Sendable, CaseIterable {
  case locality, requester
  case requesterRegion = "requester_region"
  case home
  case dataClass = "class"
  case purpose, collection, consent, safeguard, principal, residence, citizenship, subdivision
  /// The recipient holds one of these certifications (`principals.yaml`).
  case certified
  /// Where the person's data was written first: some laws want that at home.
  case firstWrite = "first_write"
  /// Of how many people data of the class left the home's jurisdiction since 1 January (UTC), the one asked about included.
  case transferredThisYear = "transferred_this_year"

  /// `store` places a person, not a record: there is no recipient, collection or purpose to ask about.
  var appliesToStore: Bool {
    switch self {
    case .home, .principal, .residence, .citizenship, .subdivision, .firstWrite: true
    case .locality, .requester, .requesterRegion, .dataClass, .purpose, .collection, .consent, .safeguard, .certified,
      .transferredThisYear:
      false
    }
  }
}

/// A name in which `*` stands for any run of characters, e.g. `app:*`.
struct NamePattern: Hashable, Sendable {
  let text: String

  func matches(_ name: String) -> Bool {
    let pieces = text.utf8.split(separator: 0x2a, omittingEmptySubsequences: false)
    guard let first = pieces.first, let last = pieces.last, pieces.count > 1 else { return text == name }
    var rest = Substring(name).utf8
    guard rest.starts(with: first) else { return false }
    rest = rest.dropFirst(first.count)
    guard rest.count >= last.count, rest.suffix(last.count).elementsEqual(last) else { return false }
    rest = rest.dropLast(last.count)
    for piece in pieces.dropFirst().dropLast() where !piece.isEmpty {
      while !rest.starts(with: piece) {
        guard !rest.isEmpty else { return false }
        rest = rest.dropFirst()
      }
      rest = rest.dropFirst(piece.count)
    }
    return true
  }
}

/// A transfer safeguard on file (`agreements.yaml`).
struct Agreement: Hashable, Sendable {
  enum Status: String, Hashable, Sendable, CaseIterable {
    case inForce = "in-force"
    /// Valid today, with a challenge pending: needs a fallback on file.
    case atRisk = "at-risk"
  }

  var id: String
  var location: SourceLocation
  var exporter: JurisdictionSet
  var importer: JurisdictionSet
  var mechanism: Safeguard
  var reference: String
  var status: Status
  var fallback: String?
  var period: Period
  var reviewBy: CalendarDate

  /// Whether it covers this crossing on this day.
  func covers(from home: Jurisdiction, to requester: Jurisdiction, on day: CalendarDate) -> Truth {
    guard period.contains(day) else { return .no }
    return exporter.contains(home, on: day) && importer.contains(requester, on: day)
  }
}

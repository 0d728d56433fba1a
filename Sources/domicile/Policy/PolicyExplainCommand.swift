import ArgumentParser
import ConfigurationFiles
import PolicyEngine
import Residency

/// `domicile policy explain`
struct PolicyExplainCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "Decide one request, and say why.",
    discussion: """
      Nothing is read or recorded. Places are regions (eu-west) or jurisdictions (IE, CA-QC).

        domicile policy explain --home eu-west --from us-east --collection profile --purpose support --residence DE
        domicile policy explain --action store --home us-east --residence DE

      Exits 0 on a permit, 1 on a denial or where the policies have an error, 2 on wrong usage.
      """)

  @Option(help: "read, write, store, replicate, move or export.")
  var action: Action = .read

  @Option(help: "The subject's home; for 'store' the region that would be home.")
  var home: String

  @Option(help: "Where the request comes from. Default: the home.")
  var from: String?

  @Option(help: "The jurisdiction that the principal's token attests.")
  var principalJurisdiction: Jurisdiction?

  @Option(help: "The collection.")
  var collection: String?

  @Option(help: "Only these fields, with commas between them. Default: all.")
  var fields: String?

  @Option(help: "What the data is for.")
  var purpose: String?

  @Option(help: "Who asks.")
  var principal = "desk"

  @Option(help: "The subject's consent to the purpose: explicit, implied, none or unknown.")
  var consent: ConsentArgument = .none

  @Option(help: "The country where the subject lives. Default: unknown.")
  var residence: Jurisdiction?

  @Option(help: "The part of that country, as CA-QC.")
  var subdivision: Jurisdiction?

  @Option(help: "The subject's citizenships, with commas between them. Default: unknown.")
  var citizenship: String?

  @Option(help: "The jurisdiction in which the subject's data was written first. Default: unknown.")
  var firstWrite: Jurisdiction?

  @Option(
    help: ArgumentHelp(
      "Of how many people data of a class, or of any, left this year, this one included: contact=120000, any=150000.",
      valueName: "class=people"))
  var transferred: [TransferredArgument] = []

  @OptionGroup var days: PolicyDayInput

  @Option(help: "The folder of policy files.", completion: .directory)
  var policies = PolicyFolder.defaultFolder

  @OptionGroup var modes: PolicyModeInput

  @OptionGroup var inputs: PolicyInputs

  func validate() throws {
    _ = try citizenships
    if residence == nil, subdivision != nil || citizenship != nil {
      throw ValidationError("--subdivision and --citizenship say more about --residence: give that, too.")
    }
    let classes = transferred.map(\.dataClass)
    guard Set(classes).count == classes.count else { throw ValidationError("--transferred is given twice for one class.") }
    if let residence, let subdivision, subdivision.country != residence.country {
      throw ValidationError("\(subdivision) is no part of \(residence): --subdivision goes with its country.")
    }
    if action == .store, from != nil || collection != nil || fields != nil {
      throw ValidationError("'store' places a person: --from, --collection and --fields say nothing there.")
    }
    if action != .store, action != .replicate, action != .move, collection == nil {
      throw ValidationError("'\(action.rawValue)' is about a collection: give --collection.")
    }
  }

  func run() async throws {
    let (request, decision) = try PolicyReport.withDiagnostics(json: inputs.json) {
      let set = modes.applied(to: try inputs.load(policies, for: days.day).policies)
      try checkWords(set)
      let request = try accessRequest(try inputs.places(), on: days.day)
      return (request, set.decide(request))
    }
    if inputs.json {
      print(decision.json.canonicalText)
    } else {
      print(Explanation(request: request, decision: decision, style: .standardOutput).text)
    }
    if decision.effect == .deny { throw ExitCode(1) }
  }

  /// A misspelt word is a mistake of the caller's here; in a request it would be denied.
  private func checkWords(_ set: PolicySet) throws {
    func check(_ word: String, among known: [String], _ what: String) throws {
      guard !known.contains(word) else { return }
      let help = nearest(word, in: known).map { "did you mean '\($0)'?" } ?? "one of: \(known.joined(separator: ", "))"
      throw ValidationError("There is no \(what) '\(word)': \(help)")
    }
    if let collection { try check(collection, among: set.collectionNames.map(\.rawValue), "collection") }
    if let purpose { try check(purpose, among: set.vocabulary.purposes.map(\.rawValue).sorted(), "purpose") }
    for word in transferred {
      try check(
        word.dataClass.rawValue, among: set.vocabulary.classes.map(\.rawValue).sorted() + [DataClass.any.rawValue], "class")
    }
    guard let fields, let schema = collection.flatMap({ set.collection(CollectionName($0)) }) else { return }
    for field in fields.split(separator: ",", omittingEmptySubsequences: false).map(String.init) where field != "*" {
      // A part of a named field is as good as named.
      guard !schema.isNamed(field) else { continue }
      try check(field, among: schema.fields + ["*"], "field")
    }
  }

  private func accessRequest(_ places: [Place], on day: CalendarDate) throws -> AccessRequest {
    let home = try place(home, among: places)
    let asking = try from.map { try place($0, among: places) } ?? home
    let citizenships = try citizenships
    let known = residence.map { Residence(country: $0, subdivision: subdivision, citizenship: citizenships) }
    return AccessRequest(
      action: action, home: home,
      hops: action == .store ? [home] : AccessRequest.recipients(asking: asking, principalJurisdiction: principalJurisdiction),
      collection: collection.map(CollectionName.init), fields: fields.map { $0.split(separator: ",").map(String.init) },
      purpose: purpose.map(Purpose.init), principal: principal, consent: consent.fact,
      residence: known.map(Fact.known) ?? .unknown, firstWrite: firstWrite.map(Fact.known) ?? .unknown,
      transferredThisYear: Dictionary(transferred.map { ($0.dataClass, $0.people) }) { _, last in last },
      now: day, wantsNearestPermit: true)
  }

  private var citizenships: Set<Jurisdiction>? {
    get throws {
      guard let citizenship else { return nil }
      return try Set(
        citizenship.split(separator: ",").map { code in
          guard let jurisdiction = Jurisdiction(String(code)) else {
            throw ValidationError("'\(code)' is not a country of ISO 3166-1, as DE.")
          }
          return jurisdiction
        })
    }
  }

  private func place(_ text: String, among places: [Place]) throws -> Place {
    if let place = places.first(where: { $0.region?.rawValue == text }) { return place }
    if let jurisdiction = Jurisdiction(text) { return Place(region: nil, jurisdiction: jurisdiction) }
    let names = places.compactMap(\.region?.rawValue)
    let known =
      names.isEmpty ? "there are no region files here: name a jurisdiction, as IE" : "regions: \(names.joined(separator: ", "))"
    let help = nearest(text, in: names).map { "did you mean '\($0)'?" } ?? known
    throw ValidationError("'\(text)' is neither a region nor a jurisdiction: \(help)")
  }
}

/// `--consent`
enum ConsentArgument: String, ExpressibleByArgument, CaseIterable {
  case explicit, implied, none, unknown

  var fact: Fact<ConsentKind?> {
    switch self {
    case .explicit: .known(.explicit)
    case .implied: .known(.implied)
    case .none: .known(nil)
    case .unknown: .unknown
    }
  }
}

/// `--transferred`
struct TransferredArgument: ExpressibleByArgument {
  let dataClass: DataClass
  let people: Int

  init?(argument: String) {
    let parts = argument.split(separator: "=", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, let people = Int(parts[1]), people >= 0 else { return nil }
    dataClass = parts[0] == "any" ? .any : DataClass(String(parts[0]))
    self.people = people
  }
}

extension Action: ExpressibleByArgument {}

extension Jurisdiction: ExpressibleByArgument {
  package init?(argument: String) { self.init(argument) }
}

import Residency

@testable import PolicyEngine

/// A small deployment: two regions in Ireland, one in Germany, one in the United States, one in India.
enum Fixture {
  static let today = day("2026-11-22")
  static let regions: [(String, String)] = [
    ("eu-west", "IE"), ("eu-isle", "IE"), ("eu-mid", "DE"), ("us-east", "US"), ("ap-south", "IN"), ("ca-east", "CA"),
    ("ca-quebec", "CA-QC"),
  ]
  static let places = regions.map { place($0.0) }

  static let vocabulary = """
    actions: [read, write, store, replicate, move, export]
    classes: [profile, contact, health]
    purposes: [support, analytics]
    safeguards: [adequacy, scc]
    views: [clear, last4, hash, pseudonym, drop]
    """
  static let collections = """
    collections:
      people:
        description: Everybody
        locality: home
        audit: strict
        default_class: contact
        fields: { name: profile, email: contact, phone: contact, diagnosis: health }
      notes:
        locality: global
        audit: relaxed
        default_class: profile
    """
  static let principals = """
    principals:
      - { match: "*", purposes: [support, analytics] }
    """
  static let eea = list("eea", "[IE, DE]")

  static func list(_ name: String, _ members: String, effectiveFrom: String = "2020-01-01", reviewBy: String = "2027-01-01")
    -> String
  {
    """
    list: \(name)
    members: \(members)
    source: the test
    as_of: 2026-01-01
    effective_from: \(effectiveFrom)
    review_by: \(reviewBy)
    confidence: C
    status: in-force
    """
  }

  /// A whole policy directory with one pack of `rules`, indented by two.
  static func files(_ rules: String, home: String = "$eea", replacing: [String: String] = [:]) -> [PolicyFile] {
    var texts = [
      "vocabulary.yaml": vocabulary, "collections.yaml": collections, "principals.yaml": principals, "lists/eea.yaml": eea,
      "pack.yaml": "policy: pack\nhome: \(home)\nrules:\n\(rules)\n",
    ]
    texts.merge(replacing) { _, own in own }
    return texts.sorted { $0.key < $1.key }.map { PolicyFile(path: "policies/\($0.key)", text: $0.value) }
  }

  /// Whether the global collection may be everywhere is asked for by tests of that.
  static func load(_ files: [PolicyFile], today: CalendarDate = today) throws(ConfigurationError) -> PolicySet {
    try PolicySet.read(files, regions: places, today: today, digest: digest).0
  }

  static func policies(_ rules: String, home: String = "$eea", replacing: [String: String] = [:]) throws -> PolicySet {
    try load(files(rules, home: home, replacing: replacing))
  }

  /// FNV-1a, 64 bits: enough to tell texts apart.
  static func digest(_ bytes: [UInt8]) -> [UInt8] {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return (0..<8).map { UInt8(truncatingIfNeeded: hash >> (8 * UInt64($0))) }
  }

  static func day(_ text: String) -> CalendarDate {
    guard let date = CalendarDate(text) else { preconditionFailure("no day: \(text)") }
    return date
  }

  static func jurisdiction(_ text: String) -> Jurisdiction {
    guard let jurisdiction = Jurisdiction(text) else { preconditionFailure("no jurisdiction: \(text)") }
    return jurisdiction
  }

  /// A region by name, or a jurisdiction.
  static func place(_ text: String) -> Place {
    guard let region = regions.first(where: { $0.0 == text }) else { return Place(region: nil, jurisdiction: jurisdiction(text)) }
    return Place(region: RegionID(text), jurisdiction: jurisdiction(region.1))
  }

  static func request(
    _ action: Action = .read, from: String..., home: String = "eu-west", collection: String? = "people", fields: [String]? = nil,
    purpose: String? = "support", consent: Fact<ConsentKind?> = .known(nil), residence: Fact<Residence> = .unknown,
    principal: String = "desk", now: String = "2026-11-22"
  ) -> AccessRequest {
    AccessRequest(
      action: action, home: place(home), hops: from.isEmpty ? [place(home)] : from.map(place),
      collection: action == .store ? nil : collection.map(CollectionName.init), fields: fields,
      purpose: action == .store ? nil : purpose.map(Purpose.init), principal: principal, consent: consent, residence: residence,
      now: day(now))
  }
}

extension PermittedRead.Redacted {
  var parts: (JSONValue, [Redaction]) { (document, redactions) }
}

import Cryptography
import PolicyEngine
import Residency
import Testing

@testable import Coordinator

/// A call as a region's coordinator makes it, without a coordinator.
enum CallFixture {
  /// Three regions; `retired` have left.
  static func catalog(retired: Set<String> = []) throws -> RegionCatalog {
    let places = [("us-east", 1, "US"), ("eu-west", 2, "IE"), ("ap-south", 3, "IN")]
    let files = places.map { id, ordinal, jurisdiction in
      (
        path: "regions/\(id).yaml",
        text: """
        region: \(id)
        ordinal: \(ordinal)
        jurisdiction: \(jurisdiction)
        name: \(id)
        status: \(retired.contains(id) ? "retired" : "active")
        location: { latitude: 0, longitude: 0 }
        coordinator: { listen: 127.0.0.1:710\(ordinal), public: "https://localhost:710\(ordinal)" }
        peer: { listen: 127.0.0.1:720\(ordinal), url: "https://localhost:720\(ordinal)" }
        store: { dsn: "dbname=a", keys_dsn: "dbname=b" }
        audit: { origin: \(id).example/audit, witnesses: [\(places.map(\.0).filter { $0 != id && !retired.contains($0) }.joined(separator: ", "))] }
        """
      )
    }
    return try RegionCatalog.load(files, environment: [:], local: nil)
  }

  static func inForce() throws -> PoliciesInForce { PoliciesInForce(try policies(try catalog())) }

  private static func policies(_ catalog: RegionCatalog) throws -> PolicySet {
    let texts = [
      "vocabulary.yaml": """
      actions: [read, write, store, replicate, move, export]
      classes: [public]
      purposes: [service]
      safeguards: [scc]
      views: [clear, drop]
      """,
      "collections.yaml": """
      collections:
        notes: { locality: global, audit: strict, default_class: public }
        profile: { locality: home, audit: strict, default_class: public }
      """,
      "principals.yaml": "principals:\n  - { match: \"*\", purposes: [service] }",
      "pack.yaml": """
      policy: pack
      home: "*"
      rules:
        - { id: everything, permit: [read, write] }
        - { id: copies, permit: replicate, until: 2027-01-01 }
      """,
    ]
    let files = texts.map { PolicyFile(path: "policies/\($0.key)", text: $0.value) }
    let places = catalog.regions.map { Place(region: $0.id, jurisdiction: $0.jurisdiction) }
    let today = try #require(CalendarDate("2026-11-29"))
    return try PolicySet.load(files, regions: places, today: today, digest: SHA256.hash)
  }

  /// In eu-west.
  /// - Parameters:
  ///   - now: milliseconds since 1970 UTC.
  ///   - asking: by default eu-west too.
  static func call(
    at now: UInt64 = 1_796_000_000_000, retired: Set<String> = [], asking: String = "eu-west", principal: Principal? = nil,
    inForce: PoliciesInForce? = nil
  ) throws -> Call {
    let catalog = try catalog(retired: retired)
    let here = try #require(RegionID("eu-west").flatMap { catalog[$0] })
    let asking = try #require(RegionID(asking).flatMap { catalog[$0] })
    let tagger = try #require(SubjectTagger(key: [UInt8](repeating: 1, count: 32)))
    return Call(
      region: RegionContext(descriptor: here, catalog: catalog, tagger: tagger, viewKey: [1], coordinator: "eu-west/test"),
      inForce: try inForce ?? PoliciesInForce(policies(catalog)),
      principal: principal ?? Principal(name: "app", purposes: [Purpose("service")]), asking: asking, now: now,
      ticket: RequestTicket(RequestNumbering()), id: [1], salt: [UInt8](repeating: 1, count: 16),
      deadline: nil)
  }
}

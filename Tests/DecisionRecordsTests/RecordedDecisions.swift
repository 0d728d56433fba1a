import AuditTrail
import ConfigurationFiles
import DecisionRecords
import DirectorySimulation
import Foundation
import PolicyEngine
import Residency
import Testing

/// Decisions on made-up requests by the starter policies, as a coordinator records them.
struct RecordedDecisions {
  static let files = Result {
    try PolicyFolder.readForRecords(
      URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../policies").standardizedFileURL.path)
  }
  static let places = [("us-east", "US"), ("eu-west", "IE"), ("ap-south", "IN")]
  static let day = CalendarDate("2026-11-29")

  let policies: PolicySet
  let places: [Place]
  private var random: SeededRandom

  init(seed: UInt64) throws {
    places = try Self.places.map { name, jurisdiction in
      Place(region: try #require(RegionID(name)), jurisdiction: try #require(Jurisdiction(jurisdiction)))
    }
    policies = try PolicyFolder.load(try Self.files.get(), regions: places, today: try #require(Self.day))
    random = SeededRandom(seed: seed)
  }

  private mutating func one<Value>(of values: [Value]) -> Value { values[Int.random(in: values.indices, using: &random)] }

  /// A request as procedures make them.
  mutating func request() throws -> AccessRequest {
    let home = one(of: places)
    let action = one(of: [Action.read, .read, .read, .write, .store, .replicate])
    let countries = ["DE", "IE", "US", "IN", "CN", "RU", "CA"].compactMap { Jurisdiction($0) }
    let country = one(of: countries)
    let residence = Residence(
      country: country, subdivision: country.rawValue == "CA" && Bool.random(using: &random) ? Jurisdiction("CA-QC") : nil,
      citizenship: Bool.random(using: &random) ? [one(of: countries), one(of: countries)] : nil)
    let consent: Fact<ConsentKind?> = one(of: [.unknown, .known(nil), .known(.explicit), .known(.implied)])
    let day = try #require(Self.day)
    if action == .store {
      return AccessRequest(
        action: .store, home: home, hops: [home], principal: "app:shop", consent: .unknown, residence: .known(residence),
        firstWrite: .known(home.jurisdiction), now: day)
    }
    if action == .replicate {
      return AccessRequest(
        action: .replicate, home: home, hops: [one(of: places)], collection: CollectionName("announcements"),
        principal: "app:shop", now: day)
    }
    let fieldLists: [[String]?] = [
      nil, [], ["email"], ["email.alice", "email.bob"], ["email", "phone", "zzz", "aaa"], ["*"],
      ["address.street", "address.city"], ["diagnosis"],
      ["items[].price", "total"],
    ]
    return AccessRequest(
      action: action, home: home,
      hops: AccessRequest.recipients(asking: one(of: places), principalJurisdiction: one(of: [nil, country])),
      collection: CollectionName(one(of: ["profile", "orders", "health", "subject"])), fields: one(of: fieldLists),
      purpose: Purpose(one(of: ["service", "support", "billing", "analytics"])), principal: "app:shop", consent: consent,
      residence: one(of: [.unknown, .known(residence)]), firstWrite: one(of: [.unknown, .known(country)]),
      transferredThisYear: one(of: [[:], [DataClass("profile"): 200_000, .any: 2_000_000]]), now: day)
  }

  private static func activity(_ action: Action) -> AuditActivity {
    switch action {
    case .read: .read
    case .write: .write
    case .store: .register
    case .replicate: .replicate
    case .move: .move
    case .export: .export
    }
  }

  /// What a coordinator records of a decision on it.
  mutating func event(of request: AccessRequest, index: Int = 1) throws -> AuditEvent {
    let decision = policies.decide(request)
    func place(_ place: Place) -> AuditEvent.Place { .init(region: place.region, jurisdiction: place.jurisdiction) }
    let day = UTCTime(milliseconds: 1_795_910_400_000 + Int64(index))
    #expect(CalendarDate(secondsSince1970: day.milliseconds / 1_000) == request.now)
    let asking = request.action == .store || request.action == .replicate ? request.home : try #require(request.hops.first)
    var event = AuditEvent(
      time: day, id: "event-\(index)", activity: Self.activity(request.action),
      effect: decision.effect == .permit ? .allowed : .denied, requester: place(asking),
      salt: try #require(AuditEvent.Salt([UInt8](repeating: 7, count: 16))))
    event.reason = decision.effect == .permit ? nil : "POLICY_DENIED"
    event.policyRevision = policies.revision
    event.home = place(request.home)
    let ends = [request.home] + (request.action == .replicate ? [] : request.hops.filter { $0.region != request.home.region })
    event.hops = zip(ends, ends.dropFirst()).map { AuditEvent.Hop(from: place($0), to: place($1)) }
    event.principal = request.principal
    event.purpose = request.purpose
    event.collection = request.collection
    event.record(decision, by: policies)
    return event
  }
}

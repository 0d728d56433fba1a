package import Residency

/// Where data is, or where it would go.
package struct Place: Hashable, Sendable {
  /// `nil` where only a jurisdiction is known, as for a principal who sits outside every region.
  package let region: RegionID?
  package let jurisdiction: Jurisdiction

  package init(region: RegionID?, jurisdiction: Jurisdiction) {
    self.region = region
    self.jurisdiction = jurisdiction
  }
}

/// Something the decider may or may not have been told. What it was not told is never guessed.
package enum Fact<Value: Sendable>: Sendable {
  case known(Value)
  case unknown
}

extension Fact: Equatable where Value: Equatable {}
extension Fact: Hashable where Value: Hashable {}

/// How a person agreed to a purpose. A closed list; one kind does not stand for the other.
package enum ConsentKind: String, Hashable, Sendable, CaseIterable {
  case explicit, implied
}

/// Everything a decision is made from. The decider reads no clock, file or store.
package struct AccessRequest: Hashable, Sendable {
  package var action: Action
  /// The subject's home. For `store`: the region that would be home.
  package var home: Place
  /// Who would receive the data, in order: the asking region, then the principal's attested jurisdiction where it differs.
  /// A local read has the home as its only hop. Every one is judged against the home, whose law travels with the data.
  package var hops: [Place]
  /// `nil` for `store`. For `replicate` and `move`, `nil` is every collection that lives at home.
  package var collection: CollectionName?
  /// `nil`: every field of the collection, those its schema does not name included.
  package var fields: [String]?
  package var purpose: Purpose?
  package var principal: String
  /// The subject's consent to this purpose. `known(nil)`: none was given.
  package var consent: Fact<ConsentKind?>
  package var residence: Fact<Residence>
  /// Where the person's data was written first.
  package var firstWrite: Fact<Jurisdiction>
  /// Of how many people, this one included, data of a class has left the home's jurisdiction since 1 January of this year (UTC). Of
  /// a class that is not here it is not known. ``DataClass/any``: of any class, each person once.
  package var transferredThisYear: [DataClass: Int]
  /// Today, in UTC.
  package var now: CalendarDate
  /// Asks for the nearest permit also where the decision is a permit. A denial has it wherever its home has permits for the action.
  package var wantsNearestPermit: Bool

  package init(
    action: Action, home: Place, hops: [Place], collection: CollectionName? = nil, fields: [String]? = nil,
    purpose: Purpose? = nil, principal: String, consent: Fact<ConsentKind?> = .unknown, residence: Fact<Residence> = .unknown,
    firstWrite: Fact<Jurisdiction> = .unknown, transferredThisYear: [DataClass: Int] = [:],
    now: CalendarDate, wantsNearestPermit: Bool = false
  ) {
    self.action = action
    self.home = home
    self.hops = hops
    self.collection = collection
    self.fields = fields
    self.purpose = purpose
    self.principal = principal
    self.consent = consent
    self.residence = residence
    self.firstWrite = firstWrite
    self.transferredThisYear = transferredThisYear
    self.now = now
    self.wantsNearestPermit = wantsNearestPermit
  }
}

extension AccessRequest {
  /// Whether what goes to these places leaves the jurisdiction of `home`, or may.
  package static func crossesBorder(from home: Place, to hops: [Place]) -> Bool {
    hops.contains { $0.jurisdiction.isWithin(home.jurisdiction) != .yes }
  }

  /// Whether somebody outside the home region would receive the data.
  package var leavesHome: Bool { hops.contains { $0 != home } }

  /// The recipients of an answer: the asking region, then the principal's jurisdiction where that is attested and another.
  package static func recipients(asking: Place, principalJurisdiction: Jurisdiction?) -> [Place] {
    guard let principalJurisdiction, principalJurisdiction != asking.jurisdiction else { return [asking] }
    return [asking, Place(region: nil, jurisdiction: principalJurisdiction)]
  }
}

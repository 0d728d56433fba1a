import Residency

/// Jurisdictions written out in a rule or gathered from lists, with the days on which each belongs.
struct JurisdictionSet: Hashable, Sendable {
  struct Member: Hashable, Sendable {
    var jurisdiction: Jurisdiction
    var period: Period
  }

  /// Members that share the day from which their list can be relied on.
  struct Group: Hashable, Sendable {
    /// Before this day the list says nothing, so membership is unknown. `nil`: written out in the rule, valid always.
    var effectiveFrom: CalendarDate?
    var members: [Member]
  }

  var groups: [Group]

  static let none = JurisdictionSet(groups: [])

  func contains(_ jurisdiction: Jurisdiction, on day: CalendarDate) -> Truth {
    groups.some { group in
      if let start = group.effectiveFrom, day < start { return .unknown }
      return group.members.some { member in
        // Most do not belong to it, and their days then do not matter.
        let truth = jurisdiction.isWithin(member.jurisdiction)
        return truth == .no || member.period.contains(day) ? truth : .no
      }
    }
  }
}

extension Jurisdiction {
  /// `CA-QC` is within `CA`. Whether something of which only `CA` is known is within `CA-QC` is unknown.
  func isWithin(_ other: Jurisdiction) -> Truth {
    if self == other { return .yes }
    // Most are countries: two of them are apart.
    switch (isSubdivision, other.isSubdivision) {
    case (false, false), (true, true): return .no
    case (true, false): return country == other ? .yes : .no
    case (false, true): return other.country == self ? .unknown : .no
    }
  }
}

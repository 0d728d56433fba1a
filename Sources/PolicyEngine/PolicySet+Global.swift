import Residency

extension PolicySet {
  /// What all regions hold has to be permitted to go from each to each, whole: what one region writes comes to all of them.
  /// - Parameter collections: with where they stand.
  /// - Returns: for each collection that may not, the first way that is closed, and by what. An error where it never was open; a warning where it
  ///   was, and something has ended since: a region whose coordinator starts anew on that day must not stay away. No such document is
  ///   written then.
  func closedReplications(
    _ collections: [CollectionName: SourceLocation], on day: CalendarDate
  ) -> [Diagnostic] {
    let places = regions.sorted { $0.key < $1.key }.map { Place(region: $0.key, jurisdiction: $0.value) }
    let ways = places.flatMap { home in places.filter { $0 != home }.map { (home: home, other: $0) } }
    return collections.sorted { $0.key < $1.key }.compactMap { name, location in
      var ended: Diagnostic?
      for way in ways {
        let decision = replication(of: name, from: way.home, to: way.other, on: day)
        guard decision.effect != .permit else { continue }
        let wasOpen = earlierDays(than: day).contains {
          replication(of: name, from: way.home, to: way.other, on: $0).effect == .permit
        }
        guard wasOpen else { return .closed(decision, name, way.home, way.other, at: location) }
        ended = ended ?? .ended(decision, name, way.home, way.other, at: location)
      }
      return ended
    }
  }

  private func replication(of name: CollectionName, from home: Place, to other: Place, on day: CalendarDate) -> Decision {
    decide(AccessRequest(action: .replicate, home: home, hops: [other], collection: name, principal: "", now: day))
  }

  /// One of each time in which the same held.
  private func earlierDays(than day: CalendarDate) -> [CalendarDate] {
    [.distantPast] + compiled.epochs.starts.filter { $0 < day }
  }
}

extension Diagnostic {
  fileprivate static func closed(
    _ decision: Decision, _ name: CollectionName, _ home: Place, _ other: Place, at location: SourceLocation
  ) -> Diagnostic {
    Diagnostic(
      at: location,
      "collection '\(name)' is global, and policy does not let it be replicated from \(home.name) to \(other.name): \(decision.obstacle)",
      help:
        "permit 'replicate' for its classes (\(decision.classes.map(\.rawValue).joined(separator: ", "))) from every region to "
        + "every other, whole, or write 'locality: home'")
  }

  fileprivate static func ended(
    _ decision: Decision, _ name: CollectionName, _ home: Place, _ other: Place, at location: SourceLocation
  ) -> Diagnostic {
    Diagnostic(
      .warning, at: location,
      "collection '\(name)' is global, and may not be replicated from \(home.name) to \(other.name) any more: \(decision.obstacle)",
      help: "nothing is written to it until it may")
  }
}

extension Place {
  fileprivate var name: String { region?.rawValue ?? jurisdiction.rawValue }
}

extension Decision {
  /// Why not, in words.
  fileprivate var obstacle: String {
    if let rule { return "\(rule.kind.rawValue) '\(rule.id)' at \(rule.location.fileAndLine)" }
    guard let nearestPermit, !nearestPermit.missing.isEmpty else { return "no rule permits it" }
    return "the nearest permit is '\(nearestPermit.rule)' at \(nearestPermit.location.fileAndLine); it lacks "
      + nearestPermit.missing.joined(separator: ", ")
  }
}

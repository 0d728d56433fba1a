import Residency

extension PolicySet {
  /// What all regions hold has to be permitted to go from each to each, whole: what one region writes comes to all of them.
  /// - Parameter collections: with where they stand.
  /// - Returns: an error for each collection that may not: the first way that is closed, and by what.
  func replicationErrors(
    _ collections: [CollectionName: SourceLocation], on day: CalendarDate
  ) -> [Diagnostic] {
    let places = regions.sorted { $0.key < $1.key }.map { Place(region: $0.key, jurisdiction: $0.value) }
    return collections.sorted { $0.key < $1.key }.compactMap { name, location in
      for home in places {
        for other in places where other != home {
          let decision = decide(
            AccessRequest(action: .replicate, home: home, hops: [other], collection: name, principal: "", now: day))
          guard decision.effect != .permit, let from = home.region, let to = other.region else { continue }
          return Diagnostic(
            at: location,
            "collection '\(name)' is global, and policy does not let it be replicated from \(from) to \(to): \(decision.obstacle)",
            help:
              "permit 'replicate' for its classes (\(decision.classes.map(\.rawValue).joined(separator: ", "))) from every region to "
              + "every other, whole, or write 'locality: home'")
        }
      }
      return nil
    }
  }
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

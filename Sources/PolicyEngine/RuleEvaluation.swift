import Residency

/// One hop of a request, about one class of data of one collection: what a rule's conditions are asked about.
struct Situation {
  let request: AccessRequest
  let hop: Place
  let collection: CollectionName?
  let dataClass: DataClass?
  let agreements: [Agreement]
  let principals: [PrincipalEntry]

  /// Whether `rule` applies. The caller has matched the action.
  func truth(of rule: Rule) -> Truth {
    guard rule.period.contains(request.now) else { return .no }
    return packTruth(of: rule) && rule.conditions.all { truth(of: $0, in: rule) } && !exceptionTruth(of: rule)
  }

  /// The keys of what stands between this situation and `rule` applying, in the order of the file.
  /// - Parameter most: how many there may be.
  /// - Returns: `nil` where there are more.
  func missing(for rule: Rule, atMost most: Int = .max) -> [String]? {
    var keys: [String] = []
    if !rule.period.hasBegun(by: request.now) { keys.append("from") }
    if rule.period.hasEnded(by: request.now) { keys.append("until") }
    if packTruth(of: rule) != .yes { keys.append(ConditionKey.home.rawValue) }
    for condition in rule.conditions where keys.count <= most && truth(of: condition, in: rule) != .yes {
      keys.append(condition.key.rawValue)
    }
    if keys.count <= most, exceptionTruth(of: rule) != .no {
      for condition in rule.exceptions where truth(of: condition, in: rule) != .no { keys.append(condition.key.rawValue) }
    }
    return keys.count <= most ? keys : nil
  }

  /// The keys of facts that `rule` needed and that are not known.
  func unknowns(for rule: Rule) -> [String] {
    var keys: [String] = []
    if packTruth(of: rule) == .unknown { keys.append(ConditionKey.home.rawValue) }
    for condition in rule.conditions + rule.exceptions where truth(of: condition, in: rule) == .unknown {
      keys.append(condition.key.rawValue)
    }
    return keys
  }

  /// Whether the rule's pack is about this home.
  func packTruth(of rule: Rule) -> Truth {
    rule.pack.map { $0.contains(request.home.jurisdiction, on: request.now) } ?? .yes
  }

  private func exceptionTruth(of rule: Rule) -> Truth {
    rule.exceptions.isEmpty ? .no : rule.exceptions.all { truth(of: $0, in: rule) }
  }

  func truth(of condition: Condition, in rule: Rule) -> Truth {
    let day = request.now
    switch condition {
    case .locality(let words): return words.some { truth(of: $0, in: rule) }
    case .requester(let set): return set.contains(hop.jurisdiction, on: day)
    case .requesterRegion(let regions): return hop.region.map { Truth(regions.contains($0)) } ?? .unknown
    case .home(let set): return set.contains(request.home.jurisdiction, on: day)
    case .dataClass(let classes): return dataClass.map { Truth(classes.contains($0)) } ?? .unknown
    case .purpose(let purposes): return request.purpose.map { Truth(purposes.contains($0)) } ?? .unknown
    case .collection(let names): return collection.map { Truth(names.contains($0)) } ?? .unknown
    case .consent(let kinds):
      guard case .known(let given) = request.consent else { return .unknown }
      return Truth(given.map(kinds.contains) ?? false)
    case .safeguard(let mechanisms):
      return agreements.some { mechanisms.contains($0.mechanism) ? covers($0) : .no }
    case .principal(let patterns): return Truth(patterns.contains { $0.matches(request.principal) })
    case .residence(let set): return residence { set.contains($0.subdivision ?? $0.country, on: day) }
    case .citizenship(let set):
      return residence { $0.citizenship.map { held in held.some { set.contains($0, on: day) } } ?? .unknown }
    case .subdivision(let set):
      return residence { set.contains($0.subdivision ?? $0.country, on: day) }
    case .certified(let wanted):
      return Truth(!principals.certifications(of: request.principal, on: day).isDisjoint(with: wanted))
    case .firstWrite(let set):
      guard case .known(let place) = request.firstWrite else { return .unknown }
      return set.contains(place, on: day)
    case .transferredThisYear(let range):
      let counted = range.of == .any ? DataClass.any : dataClass
      guard let count = counted.flatMap({ request.transferredThisYear[$0] }) else { return .unknown }
      return Truth(range.contains(count))
    }
  }

  private func covers(_ agreement: Agreement) -> Truth {
    agreement.covers(from: request.home.jurisdiction, to: hop.jurisdiction, on: request.now)
  }

  /// The agreement on file of one of `mechanisms` for this hop: the first by id.
  func agreement(of mechanisms: Set<Safeguard>) -> Agreement? {
    agreements.filter { mechanisms.contains($0.mechanism) && covers($0) == .yes }.min { $0.id < $1.id }
  }

  private func residence(_ truth: (Residence) -> Truth) -> Truth {
    guard case .known(let residence) = request.residence else { return .unknown }
    // A part of another country than the one given: one of the two is wrong, and nobody knows which.
    if let part = residence.subdivision, part.country != residence.country.country { return .unknown }
    return truth(residence)
  }

  private func truth(of word: LocalityWord, in rule: Rule) -> Truth {
    let home = request.home
    let isNear = hop.jurisdiction.isWithin(home.jurisdiction)
    switch word {
    case .region:
      guard let there = hop.region, let here = home.region else { return isNear && .unknown }
      return Truth(there == here)
    case .jurisdiction: return isNear || truth(of: .region, in: rule)
    case .bloc:
      let bloc = rule.pack ?? .none
      let isInBloc = bloc.contains(home.jurisdiction, on: request.now) && bloc.contains(hop.jurisdiction, on: request.now)
      return isInBloc || truth(of: .jurisdiction, in: rule)
    }
  }
}

package import Residency

/// What a set keeps of its packs in `monitor`.
indirect enum Monitoring: Sendable {
  case none
  /// - Parameters:
  ///   - trial: The same set with all packs enforced.
  ///   - rules: Ids of the monitored packs' rules.
  case of(trial: PolicySet, rules: Set<String>)
}

extension PolicySet {
  /// The packs that only watch, in order of names.
  package var monitoredPacks: [PolicyPack] { packs.filter { $0.mode == .monitor } }

  /// The set as it would be with every pack enforced.
  package var asEnforced: PolicySet {
    if case .of(let trial, _) = monitoring { trial } else { self }
  }

  /// `decision`, with what monitored packs would have made of the request.
  func watched(_ decision: Decision, of request: AccessRequest) -> Decision {
    guard case .of(let trial, let rules) = monitoring else { return decision }
    let other = Deliberation(policies: trial, request: request).decision()
    return Decision(decision, monitored: MonitoredOutcome(enforced: decision, trial: other, isMonitored: rules.contains))
  }

  /// An invariant is no trial: what keeps one has to be enforced.
  ///
  /// - Returns: an error for each invariant that the enforced packs break, or break in more situations, and all packs together do not, at
  ///   the mode of the pack that it rests on.
  func monitoringErrors(from day: CalendarDate) -> [Diagnostic] {
    guard !invariants.isEmpty, case .of(let trial, let watching) = monitoring else { return [] }
    // Without the permits that only watch: they open nothing yet, and must not hide what opens.
    let narrowed = trial.replacing(rules: trial.rules.filter { $0.kind != .permit || !watching.contains($0.id) })
    let before = narrowed.prove(from: day).violationCounts
    func broken(_ set: PolicySet) -> [PolicyProof.InvariantResult] {
      set.prove(from: day).invariants.filter { $0.violationCount > before[$0.id, default: 0] }
    }
    let all = broken(self)
    guard !all.isEmpty else { return [] }
    let alone = monitoredPacks.map { pack in (pack, Set(broken(onlyMonitoring(pack)).map(\.id))) }
    return all.flatMap { invariant in
      let culprits = alone.filter { $0.1.contains(invariant.id) }.map(\.0)
      // Where several packs keep it together, none of them does alone.
      return (culprits.isEmpty ? monitoredPacks : culprits).map { pack in
        let example = invariant.counterexample.map { ": \($0.facts.description) \($0.what)" } ?? ""
        return Diagnostic(
          at: pack.location,
          "the pack '\(pack.name)' keeps the invariant '\(invariant.id)' (\(invariant.location.fileAndLine)), so it cannot be in "
            + "monitor\(example)",
          help: "write 'mode: enforce', or move the rules that the invariant rests on to a pack that is enforced")
      }
    }
  }

  private func onlyMonitoring(_ pack: PolicyPack) -> PolicySet {
    replacing(
      packs: packs.map { PolicyPack(name: $0.name, mode: $0 == pack ? .monitor : .enforce, location: $0.location) })
  }

  /// The same set with other parts, compiled anew.
  /// - Parameter rules: of all packs, monitored ones included.
  func replacing(
    packs: [PolicyPack]? = nil, principals: [PrincipalEntry]? = nil, agreements: [Agreement]? = nil, rules: [Rule]? = nil
  ) -> PolicySet {
    PolicySet(
      warnings: warnings, revision: revision, fileNames: fileNames, vocabulary: vocabulary, packs: packs ?? self.packs,
      collections: collections,
      principals: principals ?? self.principals, agreements: agreements ?? self.agreements, rules: rules ?? asEnforced.rules,
      invariants: invariants, lists: lists, regions: regions)
  }
}

extension PolicyProof {
  fileprivate var violationCounts: [String: Int] {
    Dictionary(uniqueKeysWithValues: invariants.map { ($0.id, $0.violationCount) })
  }
}

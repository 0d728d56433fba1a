import Residency

/// One invariant, as far as it has been looked at: the smallest counterexample so far.
struct InvariantCheck {
  private let invariant: Invariant
  private var best: (size: Int, counterexample: PolicyProof.Counterexample)?
  private var isAboutSomething = false
  private var violationCount = 0

  init(_ invariant: Invariant) { self.invariant = invariant }

  var result: PolicyProof.InvariantResult {
    PolicyProof.InvariantResult(
      id: invariant.id, location: invariant.scope.location, basis: invariant.scope.basis, counterexample: best?.counterexample,
      violationCount: violationCount, isVacuous: !isAboutSomething)
  }

  /// - Parameter observer: the set that has the invariants as its rules.
  mutating func look(at situations: Situations, of set: PolicySet, _ observer: PolicySet?) {
    guard let observer, let place = observer.rules.firstIndex(where: { $0.id == invariant.id }) else { return }
    let bit = observer.compiled.layout.bits[place]
    for found in situations.classes where found.observed?.contains(bit) ?? false {
      isAboutSomething = true
      guard let what = violation(in: found, set) else { continue }
      violationCount += found.count
      offer(
        .init(facts: situations.domain.facts(found.example), rule: found.outcome.rule.map { set.rules[$0].matched }, what: what),
        size: found.exampleSize)
    }
    if case .unreachable(let reach) = invariant.demand {
      for (path, size) in Reachability(situations, set).violations(of: invariant.scope, reach) {
        violationCount += 1
        offer(path, size: size)
      }
    }
  }

  private mutating func offer(_ counterexample: PolicyProof.Counterexample, size: Int) {
    if best.map({ size < $0.size }) ?? true { best = (size, counterexample) }
  }

  /// What is wrong in a situation that the invariant is about.
  private func violation(in found: SituationClass, _ set: PolicySet) -> String? {
    switch invariant.demand {
    case .never: return found.outcome.isPermitted ? "is permitted" : nil
    case .always:
      guard case .deny(let reason) = found.outcome.effect else { return nil }
      return "is denied: \(reason.rawValue)"
    case .masked(let demanded):
      guard case .permit(let views) = found.outcome.effect else { return nil }
      for (field, view) in zip(set.fields(of: found.cell), views) {
        if let least = demanded.view(of: field), view < least { return "shows \(field) as \(view.name), not as \(least.name)" }
      }
      return nil
    case .unreachable: return nil
    }
  }
}

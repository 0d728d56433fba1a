import PolicyEngine
import RegionStore
import Residency

/// Counting people whose data leaves the jurisdiction of their home, once a class and once of any, by calendar year: some laws ask for more where they
/// are many (the Chinese provisions on cross-border data flows of 22 March 2024, Art. 7 and 8).
extension Call {
  /// Whether what is released leaves the home's jurisdiction.
  private var crossesBorder: Bool { AccessRequest.crossesBorder(from: region.home, to: hops) }

  private var isCountryShared: Bool {
    // Parts of a country are taken together: a law of the whole counts the people of all.
    region.catalog.regions.contains {
      $0.id != region.descriptor.id && $0.jurisdiction.country == region.home.jurisdiction.country
    }
  }

  /// At which policies begin to say something else about people at home here.
  private var limits: Set<Int> { policies.transferLimits(atHome: region.home.jurisdiction, on: today) }

  private var year: Int { today.year }

  /// What the store is asked about transfers, for this call to be decided and counted.
  var transferYears: Set<Int> { crossesBorder || !limits.isEmpty ? [year] : [] }

  /// Of how many people data of each class left this year, the subject included. Empty where no rule asks, and where another region
  /// shares the home's country: this one's store has counted its own people only, and nobody knows the sum.
  func transferredThisYear(with subject: SubjectTag, _ facts: Facts) -> [DataClass: Int] {
    guard !limits.isEmpty, !isCountryShared else { return [:] }
    let counted = Set(policies.vocabulary.classes).union([.any])
    return Dictionary(
      uniqueKeysWithValues: counted.map { ($0, facts.transfers.people(ClassInYear($0, in: year), with: subject)) })
  }

  /// Counts the subject for the classes of which something is released.
  func count(_ classes: Set<DataClass>, of subject: SubjectTag, _ effects: inout Effects) {
    guard crossesBorder, !classes.isEmpty else { return }
    let limits = limits
    for dataClass in classes.union([.any]).sorted() {
      effects.count(Transfer(of: subject, ClassInYear(dataClass, in: year), limits: limits))
    }
  }
}

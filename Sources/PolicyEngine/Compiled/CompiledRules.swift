import Residency
import Synchronization

/// The days on which something in a policy set begins or ends. Between two of them nothing changes by itself.
struct Epochs: Hashable, Sendable {
  /// The first day of each epoch but the first, in order.
  let starts: [CalendarDate]

  init(_ rules: [Rule], _ agreements: [Agreement], _ principals: [PrincipalEntry]) {
    var days: Set<CalendarDate> = []
    func add(_ period: Period) { days.formUnion([period.from, period.until].compactMap(\.self)) }
    func add(_ set: JurisdictionSet) { days.formUnion(set.days) }
    for rule in rules {
      add(rule.period)
      if let pack = rule.pack { add(pack) }
      for condition in rule.conditions + rule.exceptions {
        switch condition {
        case .requester(let set), .home(let set), .residence(let set), .citizenship(let set), .subdivision(let set),
          .firstWrite(let set):
          add(set)
        default: break
        }
      }
    }
    for agreement in agreements {
      add(agreement.period)
      add(agreement.exporter)
      add(agreement.importer)
    }
    for entry in principals {
      for certification in entry.certifications { add(certification.period) }
    }
    starts = days.sorted()
  }

  /// From 0.
  func index(of day: CalendarDate) -> Int {
    var low = 0
    var high = starts.count
    while low < high {
      let middle = (low + high) / 2
      if starts[middle] <= day { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

extension JurisdictionSet {
  /// On which somebody begins or ceases to belong to it, or it begins to say anything.
  var days: Set<CalendarDate> {
    groups.reduce(into: []) { days, group in
      if let start = group.effectiveFrom { days.insert(start) }
      for member in group.members { days.formUnion([member.period.from, member.period.until].compactMap(\.self)) }
    }
  }
}

/// The rules of a set, compiled for each epoch when it is first asked about. A value for all that can be seen: what an epoch's table
/// says does not depend on when it was made.
final class CompiledRules: Sendable {
  let layout: RuleLayout
  let epochs: Epochs
  private let schemas: [CollectionSchema]
  private let purposes: [Purpose]
  private let agreements: [Agreement]
  private let tables = Mutex<[Int: RuleTable]>([:])

  init(
    _ rules: [Rule], schemas: [CollectionSchema], purposes: [Purpose], agreements: [Agreement], principals: [PrincipalEntry]
  ) {
    layout = RuleLayout(rules)
    epochs = Epochs(rules, agreements, principals)
    self.schemas = schemas
    self.purposes = purposes
    self.agreements = agreements
  }

  func table(on day: CalendarDate) -> RuleTable {
    let epoch = epochs.index(of: day)
    if let known = tables.withLock({ $0[epoch] }) { return known }
    let table = RuleTable(
      RuleTableBuilder(layout, schemas: schemas, purposes: purposes, agreements: agreements, on: day))
    tables.withLock { $0[epoch] = table }
    return table
  }
}

package import Residency

extension DocumentSet {
  /// What a reader gets: one value, or several where the app is to decide. None where the document is deleted.
  /// - Throws: what parsing throws, where a value is no JSON: no entry with such a one is ever made.
  package func values(by resolver: DocumentResolver) throws -> [JSONValue] {
    // Who deletes what another one changes meanwhile has not seen the change.
    let live = siblings.filter { $0.value != nil }.sorted { ($0.writtenAt, $0.dot) < ($1.writtenAt, $1.dot) }
    let values = try live.compactMap { version in try version.value.map { try JSONValue(parsing: $0) } }
    switch resolver {
    case .latest: return values.suffix(1)
    case .union: return values.reduce(nil as JSONValue?) { $0?.union(with: $1) ?? $1 }.map { [$0] } ?? []
    case .app: return values
    }
  }
}

extension JSONValue {
  /// - Parameter later: what wins where both cannot stand.
  fileprivate func union(with later: JSONValue) -> JSONValue {
    switch (self, later) {
    case (.object(let members), .object(let others)):
      return .object(members.merging(others) { $0.union(with: $1) })
    case (.array(let items), .array(let others)):
      var seen = Set(items)
      return .array(items + others.filter { seen.insert($0).inserted })
    default: return later
    }
  }
}

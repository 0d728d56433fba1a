/// What clients were told of the versions of registers. Each write makes a version of its own, so whatever is told twice must agree: a
/// check beside the one for linearizability, which does not see that a write was carried out twice.
package struct VersionLedger: Sendable {
  /// Two answers that cannot both be true.
  package enum Contradiction: Sendable, Hashable, CustomStringConvertible {
    /// One version, two values: a write was overwritten without a trace.
    case versionReused(key: String, version: UInt64, values: [Int?])
    /// One value, two versions: a write was carried out twice.
    case appliedTwice(key: String, value: Int, versions: [UInt64])
    /// More versions than writes that can have happened.
    case tooManyVersions(key: String, version: UInt64, writesMax: Int)

    package var description: String {
      switch self {
      case .versionReused(let key, let version, let values):
        "\(key): version \(version) was \(values.map { $0.map(String.init) ?? "absent" }.joined(separator: " and "))"
      case .appliedTwice(let key, let value, let versions):
        "\(key): \(value) was written once, and is the value of versions \(versions.map(String.init).joined(separator: " and "))"
      case .tooManyVersions(let key, let version, let writesMax):
        "\(key): is at version \(version), after \(writesMax) writes at most"
      }
    }
  }

  /// By key and version. More than one value is a contradiction.
  private var values: [String: [UInt64: Set<Int?>]] = [:]
  private var versions: [String: [Int: UInt64]] = [:]
  /// The values of acknowledged writes, by key and version.
  private var acknowledged: [String: [UInt64: Set<Int?>]] = [:]
  package private(set) var contradictions: [Contradiction] = []

  package init() {}

  /// A read returned this, or a write was acknowledged with it.
  package mutating func note(_ state: RegisterState, of key: String, isWrite: Bool) {
    let known = values[key]?[state.version] ?? []
    if !known.isEmpty, !known.contains(state.value) {
      contradictions.append(.versionReused(key: key, version: state.version, values: known.map(\.self) + [state.value]))
    }
    values[key, default: [:]][state.version, default: []].insert(state.value)
    if let value = state.value {
      if let known = versions[key]?[value], known != state.version {
        contradictions.append(.appliedTwice(key: key, value: value, versions: [known, state.version]))
      }
      versions[key, default: [:]][value] = state.version
    }
    if isWrite { acknowledged[key, default: [:]][state.version, default: []].insert(state.value) }
  }

  /// Acknowledged writes that the register has not kept when it is at `final`: those of later versions, and of two values that one version
  /// had, at least one.
  package func lostCount(of key: String, final: UInt64) -> Int {
    (acknowledged[key] ?? [:]).reduce(0) { count, written in
      let (version, writes) = written
      if version > final { return count + writes.count }
      let isContradicted = (values[key]?[version]?.count ?? 0) > 1
      return count + (isContradicted ? max(1, writes.count - 1) : 0)
    }
  }

  /// - Parameter writesMax: how many writes of the key were acknowledged or have an unknown outcome.
  package mutating func close(_ key: String, final: UInt64, writesMax: Int) {
    if final > UInt64(writesMax) {
      contradictions.append(.tooManyVersions(key: key, version: final, writesMax: writesMax))
    }
  }
}

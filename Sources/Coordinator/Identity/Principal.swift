package import Residency

/// The authenticated caller of one request.
package struct Principal: Sendable, Hashable {
  /// What a caller may be asked to prove beyond its purposes. A token without roles is an app's.
  package enum Role: String, Sendable, Hashable, CaseIterable, Comparable {
    /// Reads and writes subjects' data, within its purposes.
    case app
    /// Reads the audit log.
    case auditor
    /// Moves, restricts, resolves contests, sees the state of regions.
    case `operator`

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
  }

  package let name: String
  /// The purposes that its issuer allows it. A request names one of them.
  package let purposes: Set<Purpose>
  /// Where the reader stands, where the issuer attests it.
  package let jurisdiction: Jurisdiction?
  package let roles: Set<Role>

  package init(name: String, purposes: Set<Purpose>, jurisdiction: Jurisdiction? = nil, roles: Set<Role> = [.app]) {
    self.name = name
    self.purposes = purposes
    self.jurisdiction = jurisdiction
    self.roles = roles
  }
}

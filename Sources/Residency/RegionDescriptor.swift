/// One region as its file in `regions/` describes it.
package struct RegionDescriptor: Sendable, Hashable {
  /// Where a region's own server binds.
  package struct Service: Sendable, Hashable {
    package let listen: ListenAddress
    /// How others reach it: `https`, a host, an optional port, nothing behind.
    package let url: HTTPSOrigin

    package init(listen: ListenAddress, url: HTTPSOrigin) {
      self.listen = listen
      self.url = url
    }
  }

  /// The two databases of a region. Keys live apart from what they seal, so that a backup of the one does not bring back what
  /// was erased from the other.
  package struct Store: Sendable, Hashable {
    package let dsn: ConnectionString
    package let keysDSN: ConnectionString
    /// How many standbys must have a commit on disk before it is told, at least. A cluster whose own settings promise less is refused.
    package let confirmations: Int

    package init(dsn: ConnectionString, keysDSN: ConnectionString, confirmations: Int = 0) {
      self.dsn = dsn
      self.keysDSN = keysDSN
      self.confirmations = confirmations
    }
  }

  package struct Audit: Sendable, Hashable {
    /// The first line of this region's checkpoints (C2SP tlog-checkpoint, `origin`).
    package let origin: String
    /// The regions that cosign its checkpoints, in file order.
    package let witnesses: [RegionID]

    package init(origin: String, witnesses: [RegionID]) {
      self.origin = origin
      self.witnesses = witnesses
    }
  }

  /// A region's life in the deployment: `joining → active → draining → retired`. A region that is lost for good is retired at once.
  package enum Status: String, Sendable, Hashable, CaseIterable {
    /// It takes over the directory. It takes no new subjects, and nobody counts on it yet.
    case joining
    case active
    /// It takes no new subjects. Those at home there are served until they have moved.
    case draining
    /// It is no member any more: nobody talks to it or waits for it. Its name and ordinal are never used again.
    case retired

    /// Whether it replicates the directory, and is waited for before anything of it is forgotten.
    package var isMember: Bool { self != .retired }
    /// Whether it counts where most regions, or all, have to know something.
    package var counts: Bool { self == .active || self == .draining }
    package var takesSubjects: Bool { self == .active }
  }

  /// WGS 84, in degrees. For maps and for guessing latency; no decision uses it.
  package struct Coordinates: Sendable, Hashable {
    package let latitude: Double
    package let longitude: Double

    package init(latitude: Double, longitude: Double) {
      self.latitude = latitude
      self.longitude = longitude
    }
  }

  package let id: RegionID
  package let ordinal: RegionOrdinal
  package let jurisdiction: Jurisdiction
  /// For people: `Europe (Ireland)`.
  package let name: String
  package let location: Coordinates
  /// Where apps call.
  package let coordinator: Service
  /// Where other regions call, over mutual TLS.
  package let peer: Service
  /// `nil` where the variables that name the databases are not set here: a region does not know another's databases.
  package let store: Store?
  package let audit: Audit
  package let status: Status
  /// Where the description stands.
  package let source: SourceLocation

  package init(
    id: RegionID, ordinal: RegionOrdinal, jurisdiction: Jurisdiction, name: String, location: Coordinates,
    coordinator: Service, peer: Service, store: Store?, audit: Audit,
    status: Status = .active, source: SourceLocation
  ) {
    self.id = id
    self.ordinal = ordinal
    self.jurisdiction = jurisdiction
    self.name = name
    self.location = location
    self.coordinator = coordinator
    self.peer = peer
    self.store = store
    self.audit = audit
    self.status = status
    self.source = source
  }
}

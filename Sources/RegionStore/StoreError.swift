/// Why the region store did not do what it was asked.
package enum StoreError: Error, Sendable, Equatable {
  /// PostgreSQL cannot be reached, or broke off before the commit was sent: nothing happened.
  case unavailable
  /// The commit was sent and its outcome is not known. A repeat with the same request id settles it.
  case indeterminate
  /// More operations are waiting than the store holds. Nothing happened.
  case overloaded
  /// Too few standbys are attached for a commit to be acknowledged. Nothing happened.
  case quorumUnavailable
  /// The region does without synchronous standbys, so nothing that they would have to confirm can be promised. Nothing happened.
  case noStandbysRequired
  /// No standby can be read: there is none, or it does not answer. Nothing happened.
  case noStandby
  /// The standbys are not as far as the caller asks. Nothing happened.
  case standbyBehind
  /// A session token stands for what the region's history does not have (any more).
  case historyLost
  /// The operation's deadline passed before its batch began. Nothing happened.
  case deadlineExceeded
  /// The caller gave up. The operation may have been committed.
  case canceled
  /// The store is shutting down. Nothing happened.
  case stopping
  /// The database belongs to another region or another cluster.
  case foreignDatabase(expected: String, found: String)
  /// The database was made by a newer Domicile.
  case schemaTooNew(found: Int, known: Int)
  /// The database could not be brought to the newest schema.
  case migration(MigrationError)
  /// A row does not open with its subject's key, or has another form than the one it was written in.
  case corrupt(what: String)
  /// What the operation decided has no form in which it could be kept, such as a leaf that is too long. Nothing happened.
  case unrecordable
  /// PostgreSQL refused a statement. The SQLSTATE, for the log.
  case refused(sqlState: String)
}

extension StoreError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .unavailable: "the region's PostgreSQL cannot be reached"
    case .indeterminate: "the commit's outcome is not known"
    case .overloaded: "too many operations are waiting"
    case .quorumUnavailable: "too few standbys are attached for a commit to be acknowledged"
    case .noStandbysRequired: "the region has no synchronous standby"
    case .noStandby: "no standby can be read"
    case .standbyBehind: "the standbys are behind"
    case .historyLost: "the session's history is not this cluster's"
    case .deadlineExceeded: "the deadline passed before the operation began"
    case .canceled: "the caller gave up"
    case .stopping: "the coordinator is shutting down"
    case .foreignDatabase(let expected, let found): "the database belongs to \(found), not to \(expected)"
    case .schemaTooNew(let found, let known): "the schema is at version \(found), this program knows \(known): upgrade it"
    case .migration(let error): "\(error)"
    case .corrupt(let what): "\(what) cannot be read back as it was written"
    case .unrecordable: "the operation cannot be recorded"
    case .refused(let sqlState): "PostgreSQL refused a statement (\(sqlState))"
    }
  }
}

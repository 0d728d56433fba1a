/// Work in several steps, some of which other regions take part in. It is kept in the region's store until it has ended, so any coordinator
/// goes on with it after a crash.
package struct Workflow: Hashable, Sendable {
  package enum Kind: String, Hashable, Sendable, CaseIterable {
    /// An account gives up its id, once a resolution of the contest about it is known here.
    case yield
    /// A registration that was accepted for a region elsewhere.
    case intent
    /// A subject was erased here: its keys have to go.
    case erasure
  }

  package struct ID: Hashable, Sendable {
    package let kind: Kind
    /// At most 64 bytes.
    package let key: [UInt8]

    package init(_ kind: Kind, key: [UInt8]) {
      self.kind = kind
      self.key = key
    }
  }

  package let id: ID
  /// What it is about, and how far it is: sealed under the region's key-encryption key.
  package let body: [UInt8]

  package init(id: ID, body: [UInt8]) {
    self.id = id
    self.body = body
  }
}

/// A workflow whose time has come, and which is left to this coordinator for a while.
package struct DueWorkflow: Sendable {
  package let workflow: Workflow
  /// Milliseconds since 1970 UTC.
  package let startedAt: UInt64
  /// How often it was due before.
  package let tries: Int
}

package import Cryptography
package import Residency

/// One recorded decision or event: what a leaf of a region's log says. Nothing in it names a person.
package struct AuditEvent: Hashable, Sendable {
  package enum Effect: String, Hashable, Sendable { case allowed, denied }

  /// A rule that took part in the decision, and where it stands.
  package struct Rule: Hashable, Sendable {
    package var id: String
    /// `policies/eu-transfers.yaml:28`.
    package var location: String

    package init(id: String, location: String) {
      self.id = id
      self.location = location
    }
  }

  /// An end of a transfer. A principal abroad has a jurisdiction and no region.
  package struct Place: Hashable, Sendable {
    package var region: RegionID?
    package var jurisdiction: Jurisdiction?

    package init(region: RegionID? = nil, jurisdiction: Jurisdiction? = nil) {
      self.region = region
      self.jurisdiction = jurisdiction
    }
  }

  /// One border of a transfer; each is judged.
  package struct Hop: Hashable, Sendable {
    package var from: Place
    package var to: Place

    package init(from: Place, to: Place) {
      self.from = from
      self.to = to
    }
  }

  /// A field that was not released as it is.
  package struct Redaction: Hashable, Sendable {
    package var field: String
    package var view: View

    package init(field: String, view: View) {
      self.field = field
      self.view = view
    }
  }

  /// A transfer mechanism on file: its id among the policies, and what its owner says that it is.
  package struct Agreement: Hashable, Sendable {
    package var id: String
    package var reference: String

    package init(id: String, reference: String) {
      self.id = id
      self.reference = reference
    }
  }

  /// What rules that only watch would have made of it. Only where it is something else than what was done.
  package struct Monitored: Hashable, Sendable {
    package var effect: Effect
    package var rules: [Rule]
    /// Where both allow: the fields that would be released otherwise, and how.
    package var redactions: [Redaction]

    package init(effect: Effect, rules: [Rule], redactions: [Redaction]) {
      self.effect = effect
      self.rules = rules
      self.redactions = redactions
    }
  }

  /// Every coordinator numbers the requests it received, from 1: a missing leaf leaves a gap.
  package struct RequestNumber: Hashable, Sendable {
    package var coordinator: String
    package var number: UInt64

    package init(coordinator: String, number: UInt64) {
      self.coordinator = coordinator
      self.number = number
    }
  }

  /// The leaf that the other side of a transfer recorded, in its own log.
  package struct Counterpart: Hashable, Sendable {
    package var region: RegionID
    package var index: UInt64?
    package var leafHash: SHA256Digest?

    package init(region: RegionID, index: UInt64? = nil, leafHash: SHA256Digest? = nil) {
      self.region = region
      self.index = index
      self.leafHash = leafHash
    }
  }

  /// 16 random bytes in every leaf: without them, who holds a leaf hash could guess at the leaf.
  package struct Salt: Hashable, Sendable {
    package static let byteCount = 16
    package let bytes: [UInt8]

    /// - Returns: `nil` unless there are exactly 16 bytes.
    package init?(_ bytes: [UInt8]) {
      guard bytes.count == Self.byteCount else { return nil }
      self.bytes = bytes
    }
  }

  /// When the region's coordinator recorded it.
  package var time: UTCTime
  package var id: String
  package var activity: AuditActivity
  package var effect: Effect
  /// A reason of the API for a denial or failure, e.g. `POLICY_DENIED`.
  package var reason: String?
  package var rules: [Rule] = []
  package var monitored: Monitored?
  /// `sha256:…` over the canonical policy files.
  package var policyRevision: String?
  /// The subject's home, where it is known.
  package var home: Place?
  /// The region that took the request, or asked for it.
  package var requester: Place
  package var hops: [Hop] = []
  package var purpose: Purpose?
  package var legalBasis: String?
  package var safeguard: Safeguard?
  /// Which agreement on file the transfer rests on.
  package var agreement: Agreement?
  package var collection: CollectionName?
  package var classes: [DataClass] = []
  package var redactions: [Redaction] = []
  /// What the decision rested on; `nil` where policy decided nothing.
  package var facts: DecisionFacts?
  package var recordVersion: UInt64?
  /// Which document of a collection that all regions hold: of such a one only, since it names nobody.
  package var documentKey: String?
  package var subject: AuditPseudonym?
  package var subjectEpoch: Epoch?
  package var directoryVersion: String?
  /// The authenticated caller; `nil` for what the system did by itself.
  package var principal: String?
  package var request: RequestNumber?
  /// Of the requests that have no leaf.
  package var account: Account?
  package var setup: Setup?
  /// What an operator or auditor did, where it is about nobody in particular: `compare_directory us-east`.
  package var operation: String?
  package var counterpart: Counterpart?
  /// What names people or records, sealed under the subject's key.
  package var sealedDetails: [UInt8]?
  package var salt: Salt

  /// What every event has; the rest is set where it applies.
  package init(time: UTCTime, id: String, activity: AuditActivity, effect: Effect, requester: Place, salt: Salt) {
    self.time = time
    self.id = id
    self.activity = activity
    self.effect = effect
    self.requester = requester
    self.salt = salt
  }

  package init(_ particulars: AuditEvent.Particulars, activity: AuditActivity, effect: Effect, requester: Place) {
    self.init(
      time: particulars.time, id: particulars.id.text, activity: activity, effect: effect, requester: requester,
      salt: particulars.salt
    )
    recordVersion = particulars.recordVersion
    request = particulars.request
    subject = particulars.subject
    subjectEpoch = particulars.subjectEpoch
  }
}

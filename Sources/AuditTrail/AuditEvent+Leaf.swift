import Cryptography
import Residency

extension AuditEvent {
  /// The release of the Open Cybersecurity Schema Framework that leaves are written in: ``LeafWord/ocsfVersion`` says it in them. Another
  /// release is another word.
  package static let ocsfVersion = "1.3.0"

  /// The event as the bytes of a leaf: an OCSF Datastore Activity (class 6005) in canonical JSON (RFC 8785). What OCSF has no
  /// attribute for stands under `unmapped`. Numbers of 64 bits are decimal text, since JSON's are doubles.
  /// - Throws: ``FormatError`` where they are more than a log's entry may have (65,535).
  package func leafBytes() throws(FormatError) -> [UInt8] { try row.leaf() }

  /// As a row of the store has it.
  package var row: LeafRow { form.row(particulars, sealedDetails: sealedDetails) }

  package var particulars: AuditEvent.Particulars {
    var particulars = AuditEvent.Particulars(time: time, id: .text(id), request: request, salt: salt)
    particulars.recordVersion = recordVersion
    particulars.subject = subject
    particulars.subjectEpoch = subjectEpoch
    return particulars
  }

  /// All that is not one event's alone.
  package var form: LeafForm {
    // Most have less than 400 bytes.
    var writer = LeafWriter(capacity: 512)
    writer.object { write(to: &$0) }
    return LeafForm(writer)
  }

  private func write(to out: inout LeafWriter) {
    let isAllowed = effect == .allowed
    out.integer(.activityID, Int64(activity.ocsfID))
    out.string(.activityName, activity.ocsfName)
    out.object(.actor) { out in
      guard let principal else { return out.string(.appName, "domicile") }
      out.object(.user) { $0.string(.uid, principal) }
    }
    out.constant(.eventClass)
    if let home { out.object(.dstEndpoint) { $0.writeEndpoint(home) } }
    out.object(.metadata) { out in
      out.constant(.product)
      out.leaveBlank(.id)
      out.constant(.ocsfVersion)
    }
    out.constant(isAllowed ? .informational : .low)
    out.object(.srcEndpoint) { $0.writeEndpoint(requester) }
    out.constant(isAllowed ? .success : .failure)
    out.string(.statusCode, reason)
    out.integer(.statusID, isAllowed ? 1 : 2)
    if let collection { out.object(.table) { $0.string(.name, collection.rawValue) } }
    out.leaveBlank(.time)
    out.integer(.typeUID, Int64(600_500 + activity.ocsfID))
    out.object(.unmapped) { writeUnmapped(&$0) }
  }

  private func writeUnmapped(_ out: inout LeafWriter) {
    if let account {
      out.object(.account) { out in
        out.string(.failed, account.failed.isEmpty ? nil : account.failed.description)
        out.string(.passed, account.passed.isEmpty ? nil : account.passed.description)
        out.decimal(.through, account.through)
      }
    }
    out.string(.activity, activity.rawValue)
    if let agreement {
      out.object(.agreement) { out in
        out.string(.id, agreement.id)
        out.string(.reference, agreement.reference)
      }
    }
    out.strings(.classes, classes.map(\.rawValue))
    if let counterpart {
      out.object(.counterpart) { out in
        out.decimal(.index, counterpart.index)
        out.digits(.leafHash, counterpart.leafHash)
        out.string(.region, counterpart.region.rawValue)
      }
    }
    out.leaveBlank(.details)
    out.string(.directoryVersion, directoryVersion)
    out.string(.document, documentKey)
    out.string(.effect, effect.rawValue)
    if let facts { out.object(.facts) { $0.writeFacts(facts) } }
    out.list(.hops, count: hops.count) { out, index in
      out.object(.from) { $0.writePlace(hops[index].from) }
      out.object(.to) { $0.writePlace(hops[index].to) }
    }
    out.string(.legalBasis, legalBasis)
    if let monitored {
      out.object(.monitored) { out in
        out.string(.effect, monitored.effect.rawValue)
        out.list(.redactions, count: monitored.redactions.count) { Self.write(&$0, monitored.redactions[$1]) }
        out.list(.rules, count: monitored.rules.count) { Self.write(&$0, monitored.rules[$1]) }
      }
    }
    out.string(.operation, operation)
    out.string(.policyRevision, policyRevision, digitsAfter: "sha256:")
    out.string(.purpose, purpose?.rawValue)
    out.leaveBlank(.recordVersion)
    out.list(.redactions, count: redactions.count) { Self.write(&$0, redactions[$1]) }
    out.leaveBlank(.request)
    out.list(.rules, count: rules.count) { Self.write(&$0, rules[$1]) }
    out.string(.safeguard, safeguard?.rawValue)
    out.leaveBlank(.salt)
    if let setup {
      out.object(.setup) { out in
        out.digits(.catalog, setup.catalogHash)
        out.string(.logKey, setup.logKey)
        out.string(.witnessKey, setup.witnessKey)
      }
    }
    out.leaveBlank(.subject)
  }

  private static func write(_ out: inout LeafWriter, _ rule: Rule) {
    out.string(.at, rule.location)
    out.string(.id, rule.id)
  }

  private static func write(_ out: inout LeafWriter, _ redaction: Redaction) {
    out.string(.field, redaction.field)
    out.string(.view, redaction.view.name)
  }
}

extension LeafWriter {
  mutating func writePlace(_ place: AuditEvent.Place) {
    string(.jurisdiction, place.jurisdiction?.rawValue)
    string(.region, place.region?.rawValue)
  }

  /// OCSF's network endpoint: the region is the service's id, the jurisdiction its place.
  fileprivate mutating func writeEndpoint(_ place: AuditEvent.Place) {
    if let jurisdiction = place.jurisdiction {
      object(.location) { out in
        out.string(.country, jurisdiction.country.rawValue)
        if jurisdiction.isSubdivision { out.string(.region, jurisdiction.rawValue) }
      }
    }
    constant(.service)
    string(.uid, place.region?.rawValue)
  }
}

import Cryptography
import Residency

extension AuditEvent {
  /// The release of the Open Cybersecurity Schema Framework that leaves are written in.
  package static let ocsfVersion = "1.3.0"

  /// The event as the bytes of a leaf: an OCSF Datastore Activity (class 6005) in canonical JSON (RFC 8785). What OCSF has no
  /// attribute for stands under `unmapped`. Numbers of 64 bits are decimal text, since JSON's are doubles.
  /// - Throws: ``FormatError`` where they are more than a log's entry may have (65,535).
  package func leafBytes() throws(FormatError) -> [UInt8] { try leafBytes(details: sealedDetails) }

  /// - Parameter details: sealed, in the place of the event's own.
  /// - Throws: ``FormatError`` where they are more than a log's entry may have (65,535).
  package func leafBytes(details: [UInt8]?) throws(FormatError) -> [UInt8] {
    let bytes = canonicalBytes(details: details)
    guard bytes.count <= EntryBundle.entryByteCountMax else {
      throw FormatError(.leaf, "\(bytes.count) bytes are more than \(EntryBundle.entryByteCountMax)")
    }
    return bytes
  }

  /// The event as an OCSF document in canonical JSON, of any length.
  package var canonicalBytes: [UInt8] { canonicalBytes(details: sealedDetails) }

  private func canonicalBytes(details: [UInt8]?) -> [UInt8] {
    // Most leaves have about a kilobyte; details may add as much again.
    var writer = CanonicalJSONWriter(capacity: 1_280 + (details?.count ?? 0) * 4 / 3)
    writer.object { write(&$0, details) }
    return writer.bytes
  }

  private func write(_ out: inout CanonicalJSONWriter, _ details: [UInt8]?) {
    let isAllowed = effect == .allowed
    out.integer("activity_id", Int64(activity.ocsfID))
    out.string("activity_name", activity.ocsfName)
    out.object("actor") { out in
      guard let principal else { return out.string("app_name", "domicile") }
      out.object("user") { $0.string("uid", principal) }
    }
    out.string("category_name", "Application Activity")
    out.integer("category_uid", 6)
    out.string("class_name", "Datastore Activity")
    out.integer("class_uid", 6005)
    out.object("database") { out in
      out.string("name", "domicile")
      out.integer("type_id", 1)
    }
    if let home { out.object("dst_endpoint") { $0.writeEndpoint(home) } }
    out.object("metadata") { out in
      out.string("log_name", "audit")
      out.object("product") { out in
        out.string("name", "Domicile")
        out.string("vendor_name", "Domicile")
      }
      out.string("uid", id)
      out.string("version", Self.ocsfVersion)
    }
    out.string("severity", isAllowed ? "Informational" : "Low")
    out.integer("severity_id", isAllowed ? 1 : 2)
    out.object("src_endpoint") { $0.writeEndpoint(requester) }
    out.string("status", isAllowed ? "Success" : "Failure")
    out.string("status_code", reason)
    out.integer("status_id", isAllowed ? 1 : 2)
    if let collection { out.object("table") { $0.string("name", collection.rawValue) } }
    out.integer("time", time.milliseconds)
    out.integer("type_uid", Int64(600_500 + activity.ocsfID))
    out.object("unmapped") { writeUnmapped(&$0, details) }
  }

  private func writeUnmapped(_ out: inout CanonicalJSONWriter, _ details: [UInt8]?) {
    if let account {
      out.object("account") { out in
        out.string("failed", account.failed.isEmpty ? nil : account.failed.description)
        out.string("passed", account.passed.isEmpty ? nil : account.passed.description)
        out.decimal("through", account.through)
      }
    }
    out.string("activity", activity.rawValue)
    if let agreement {
      out.object("agreement") { out in
        out.string("id", agreement.id)
        out.string("reference", agreement.reference)
      }
    }
    out.strings("classes", classes.map(\.rawValue))
    if let counterpart {
      out.object("counterpart") { out in
        out.decimal("index", counterpart.index)
        out.string("leaf_hash", counterpart.leafHash?.description)
        out.string("region", counterpart.region.rawValue)
      }
    }
    if let details { out.plain("details") { Base64.append(details, to: &$0) } }
    out.string("directory_version", directoryVersion)
    out.string("document", documentKey)
    out.string("effect", effect.rawValue)
    if let facts { out.object("facts") { $0.writeFacts(facts) } }
    out.list("hops", count: hops.count) { out, index in
      out.object("from") { $0.writePlace(hops[index].from) }
      out.object("to") { $0.writePlace(hops[index].to) }
    }
    out.string("legal_basis", legalBasis)
    if let monitored {
      out.object("monitored") { out in
        out.string("effect", monitored.effect.rawValue)
        out.list("redactions", count: monitored.redactions.count) { Self.write(&$0, monitored.redactions[$1]) }
        out.list("rules", count: monitored.rules.count) { Self.write(&$0, monitored.rules[$1]) }
      }
    }
    out.string("operation", operation)
    out.string("policy_revision", policyRevision)
    out.string("purpose", purpose?.rawValue)
    out.decimal("record_version", recordVersion)
    out.list("redactions", count: redactions.count) { Self.write(&$0, redactions[$1]) }
    if let request {
      out.object("request") { out in
        out.string("coordinator", request.coordinator)
        out.decimal("number", request.number)
      }
    }
    out.list("rules", count: rules.count) { Self.write(&$0, rules[$1]) }
    out.string("safeguard", safeguard?.rawValue)
    out.plain("salt") { Base64.append(salt.bytes, to: &$0) }
    if let setup {
      out.object("setup") { out in
        out.string("catalog", setup.catalogHash.description)
        out.string("log_key", setup.logKey)
        out.string("witness_key", setup.witnessKey)
      }
    }
    if let subject {
      out.object("subject") { out in
        out.decimal("epoch", subjectEpoch?.rawValue)
        out.string("period", subject.period.description)
        out.plain("pseudonym") { $0.append(hexOf: subject.code.bytes) }
      }
    }
  }

  private static func write(_ out: inout CanonicalJSONWriter, _ rule: Rule) {
    out.string("at", rule.location)
    out.string("id", rule.id)
  }

  private static func write(_ out: inout CanonicalJSONWriter, _ redaction: Redaction) {
    out.string("field", redaction.field)
    out.string("view", redaction.view.name)
  }
}

extension CanonicalJSONWriter {
  mutating func writePlace(_ place: AuditEvent.Place) {
    string("jurisdiction", place.jurisdiction?.rawValue)
    string("region", place.region?.rawValue)
  }

  /// OCSF's network endpoint: the region is the service's id, the jurisdiction its place.
  fileprivate mutating func writeEndpoint(_ place: AuditEvent.Place) {
    if let jurisdiction = place.jurisdiction {
      object("location") { out in
        out.string("country", jurisdiction.country.rawValue)
        if jurisdiction.isSubdivision { out.string("region", jurisdiction.rawValue) }
      }
    }
    string("svc_name", "domicile")
    string("uid", place.region?.rawValue)
  }
}

import Cryptography
package import Residency

extension AuditEvent {
  /// The release of the Open Cybersecurity Schema Framework that leaves are written in.
  package static let ocsfVersion = "1.3.0"

  /// The event as the bytes of a leaf: an OCSF Datastore Activity (class 6005) in canonical JSON (RFC 8785). What OCSF has no
  /// attribute for stands under `unmapped`. Numbers of 64 bits are decimal text, since JSON's are doubles.
  /// - Throws: ``FormatError`` where they are more than a log's entry may have (65,535).
  package func leafBytes() throws(FormatError) -> [UInt8] {
    let bytes = json.canonicalBytes
    guard bytes.count <= EntryBundle.entryByteCountMax else {
      throw FormatError(.leaf, "\(bytes.count) bytes are more than \(EntryBundle.entryByteCountMax)")
    }
    return bytes
  }

  /// The event as an OCSF document.
  package var json: JSONValue {
    let isAllowed = effect == .allowed
    return object([
      "activity_id": .integer(activity.ocsfID),
      "activity_name": .string(activity.ocsfName),
      "actor": principal.map { ["user": ["uid": .string($0)]] } ?? ["app_name": "domicile"],
      "category_name": "Application Activity",
      "category_uid": 6,
      "class_name": "Datastore Activity",
      "class_uid": 6005,
      "database": ["name": "domicile", "type_id": 1],
      "dst_endpoint": home.map(endpoint),
      "metadata": [
        "log_name": "audit", "product": ["name": "Domicile", "vendor_name": "Domicile"], "uid": .string(id),
        "version": .string(Self.ocsfVersion),
      ],
      "severity": isAllowed ? "Informational" : "Low",
      "severity_id": isAllowed ? 1 : 2,
      "src_endpoint": endpoint(requester),
      "status": isAllowed ? "Success" : "Failure",
      "status_code": reason.map(JSONValue.string),
      "status_id": isAllowed ? 1 : 2,
      "table": collection.map { ["name": .string($0.rawValue)] },
      "time": .integer(time.milliseconds),
      "type_uid": .integer(600_500 + activity.ocsfID),
      "unmapped": unmapped,
    ])
  }

  private var unmapped: JSONValue {
    object([
      "activity": .string(activity.rawValue),
      "classes": list(classes) { .string($0.rawValue) },
      "counterpart": counterpart.map {
        object([
          "index": $0.index.map(decimal), "leaf_hash": $0.leafHash.map { .string($0.description) },
          "region": .string($0.region.rawValue),
        ])
      },
      "details": sealedDetails.map { .string(Base64.encode($0)) },
      "directory_version": directoryVersion.map(JSONValue.string),
      "effect": .string(effect.rawValue),
      "hops": list(hops) { ["from": place($0.from), "to": place($0.to)] },
      "legal_basis": legalBasis.map(JSONValue.string),
      "policy_revision": policyRevision.map(JSONValue.string),
      "purpose": purpose.map { .string($0.rawValue) },
      "record_version": recordVersion.map(decimal),
      "redactions": list(redactions) { ["field": .string($0.field), "view": .string($0.view.name)] },
      "request": request.map { ["coordinator": .string($0.coordinator), "number": decimal($0.number)] },
      "rules": list(rules) { ["at": .string($0.location), "id": .string($0.id)] },
      "safeguard": safeguard.map { .string($0.rawValue) },
      "salt": .string(Base64.encode(salt.bytes)),
      "subject": subject.map {
        object([
          "epoch": subjectEpoch.map { decimal($0.rawValue) }, "period": .string($0.period.description),
          "pseudonym": .string($0.description),
        ])
      },
    ])
  }
}

private func object(_ members: [String: JSONValue?]) -> JSONValue { .object(members.compactMapValues { $0 }) }
private func decimal(_ number: UInt64) -> JSONValue { .string(String(number)) }

/// A list that is left out where it is empty: every event has one form only.
private func list<Item>(_ items: [Item], _ transform: (Item) -> JSONValue) -> JSONValue? {
  items.isEmpty ? nil : .array(items.map(transform))
}

private func place(_ place: AuditEvent.Place) -> JSONValue {
  object([
    "jurisdiction": place.jurisdiction.map { .string($0.rawValue) }, "region": place.region.map { .string($0.rawValue) },
  ])
}

/// OCSF's network endpoint: the region is the service's id, the jurisdiction its place.
private func endpoint(_ place: AuditEvent.Place) -> JSONValue {
  object([
    "location": place.jurisdiction.map { jurisdiction in
      object([
        "country": .string(jurisdiction.country.rawValue),
        "region": jurisdiction.isSubdivision ? .string(jurisdiction.rawValue) : nil,
      ])
    },
    "svc_name": "domicile",
    "uid": place.region.map { .string($0.rawValue) },
  ])
}

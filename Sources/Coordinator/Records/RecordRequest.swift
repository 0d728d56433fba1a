import ConnectRPC
import PolicyEngine
import RegionStore
import Residency

/// The parts that requests about subjects share, checked.
extension Call {
  func subject(_ text: String) throws(Refusal) -> SubjectTag {
    guard let id = SubjectID(text), let tag = region.tagger.tag(of: id) else {
      throw Refusal(
        .invalidArgument, .invalidSubjectID,
        "A subject id is 1 to 256 bytes of UTF-8 without control characters; this one has \(text.utf8.count) bytes.")
    }
    return tag
  }

  /// One that there is no such thing as is policy's to refuse.
  func homeCollection(_ text: String) throws(Refusal) -> CollectionName {
    let name = CollectionName(text)
    guard policies.collection(name)?.locality != .global else {
      throw Refusal(
        .invalidArgument, .collectionIsGlobal,
        "'\(name)' is the same in all regions and holds nothing about a person: ask DocumentService for it.")
    }
    return name
  }

  func recordKey(_ text: String) throws(Refusal) -> String {
    guard (1...256).contains(text.utf8.count), !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
    else {
      throw Refusal(
        .invalidArgument, .invalidArgument,
        "A record's key is 1 to 256 bytes of UTF-8 without control characters; this one has \(text.utf8.count) bytes.")
    }
    return text
  }

  /// Records of a collection that there is no such thing as are not looked for.
  func known(_ addresses: [RecordAddress]) -> [RecordAddress] { addresses.filter { policies.collection($0.collection) != nil } }

  /// - Returns: `nil` for all fields.
  func fields(_ names: [String]) throws(Refusal) -> [String]? {
    guard names.count <= 256 else {
      throw Refusal(.invalidArgument, .invalidArgument, "At most 256 fields may be named; \(names.count) are. Name none for all.")
    }
    if let name = names.first(where: { $0.utf8.count > 256 }) {
      throw Refusal(
        .invalidArgument, .invalidArgument, "The name of a field is at most 256 bytes; one of these has \(name.utf8.count).")
    }
    return names.isEmpty ? nil : names
  }

  func purpose(_ text: String) throws(Refusal) -> Purpose {
    guard !text.isEmpty else {
      let known = policies.vocabulary.purposes.map(\.rawValue).sorted().joined(separator: ", ")
      throw Refusal(.invalidArgument, .unknownPurpose, "The request names no purpose. Say why the data is needed: \(known).")
    }
    return Purpose(text)
  }

  /// - Parameter text: at most 128 bytes, or empty for a write that is not meant to be repeated.
  func requestKey(_ text: String, subject: SubjectTag) throws(Refusal) -> [UInt8]? {
    guard !text.isEmpty else { return nil }
    guard text.utf8.count <= 128 else {
      throw Refusal(.invalidArgument, .invalidArgument, "A request_id is at most 128 bytes; this one has \(text.utf8.count).")
    }
    return Idempotency.key(requestID: text, principal: principal.name, subject: subject)
  }
}

/// Subjects that exist here but do not take this call.
extension SubjectFacts {
  func stateRefusal(forWriting: Bool) -> Refusal? {
    switch state {
    case .active: nil
    case .frozen where !forWriting: nil
    case .frozen:
      Refusal(
        .unavailable, .subjectFrozen,
        "The subject is being moved to another region, or to another id: it can be read, not written. Try again later.")
    case .moved: Refusal(.failedPrecondition, .wrongRegion, "The subject has moved to another region. Ask there.")
    case .restricted:
      Refusal(
        .failedPrecondition, .subjectRestricted,
        "Processing of this subject's data is restricted. Only its operator may lift that.")
    case .erased: Refusal(.notFound, .subjectErased, "The subject was erased.")
    }
  }
}

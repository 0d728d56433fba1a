import Cryptography
import Residency

/// Seals and opens what is stored of a subject: AES-256-GCM under the subject's key. What a sealed value is for, and its version,
/// are authenticated with it, so that a row cannot be passed off as another row, or as an older state of itself.
enum Sealer {
  static func seal(
    _ value: [UInt8], at address: RecordAddress, version: UInt64, keys: SubjectKeys, nonces: inout AESGCM.Nonces
  ) throws -> [UInt8] {
    try AESGCM.seal(value, key: keys.data, additionalData: context(address, version: version), nonces: &nonces)
  }

  static func open(_ sealed: [UInt8], at address: RecordAddress, version: UInt64, keys: SubjectKeys) throws -> [UInt8] {
    do {
      return try AESGCM.open(sealed, key: keys.data, additionalData: context(address, version: version))
    } catch {
      throw StoreError.corrupt(what: "a record")
    }
  }

  static func sealDetails(
    _ details: [UInt8], of tag: SubjectTag, keys: SubjectKeys, nonces: inout AESGCM.Nonces
  ) throws -> [UInt8] {
    try AESGCM.seal(details, key: keys.data, additionalData: context("details", tag), nonces: &nonces)
  }

  /// - Parameter key: which request it answers: an answer cannot be passed off as that of another one.
  static func sealAnswer(_ answer: [UInt8], of tag: SubjectTag, key: [UInt8], keys: SubjectKeys) throws -> [UInt8] {
    try AESGCM.seal(answer, key: keys.data, additionalData: context("answer", tag) + key)
  }

  static func openAnswer(_ sealed: [UInt8], of tag: SubjectTag, key: [UInt8], keys: SubjectKeys) throws -> [UInt8] {
    do {
      return try AESGCM.open(sealed, key: keys.data, additionalData: context("answer", tag) + key)
    } catch {
      throw StoreError.corrupt(what: "a kept answer")
    }
  }

  static func seal(_ residence: Residence, of tag: SubjectTag, keys: SubjectKeys) throws -> [UInt8] {
    try AESGCM.seal(ResidenceForm.encode(residence), key: keys.data, additionalData: context("residence", tag))
  }

  static func openResidence(_ sealed: [UInt8], of tag: SubjectTag, keys: SubjectKeys) throws -> Residence {
    do {
      return try ResidenceForm.decode(try AESGCM.open(sealed, key: keys.data, additionalData: context("residence", tag)))
    } catch {
      throw StoreError.corrupt(what: "a residence")
    }
  }

  /// A workflow is of no subject, or of one that is at home elsewhere.
  static func seal(_ workflow: Workflow, under kek: KeyEncryptionKey) throws -> [UInt8] {
    try AESGCM.seal(workflow.body, key: kek.key, additionalData: context(workflow.id))
  }

  static func open(_ sealed: [UInt8], of id: Workflow.ID, under kek: KeyEncryptionKey) throws -> [UInt8] {
    do { return try AESGCM.open(sealed, key: kek.key, additionalData: context(id)) } catch {
      throw StoreError.corrupt(what: "a workflow")
    }
  }

  /// A place among all subjects, for who may not learn their tags.
  static func seal(position tag: SubjectTag, under kek: KeyEncryptionKey) throws -> [UInt8] {
    try AESGCM.seal(tag.bytes, key: kek.key, additionalData: positionContext)
  }

  /// - Returns: `nil` for what ``seal(position:under:)`` did not make.
  static func openPosition(_ sealed: [UInt8], under kek: KeyEncryptionKey) -> SubjectTag? {
    do { return SubjectTag(try AESGCM.open(sealed, key: kek.key, additionalData: positionContext)) } catch { return nil }
  }

  private static let positionContext = Array("domicile/1/position among subjects\0".utf8)

  private static func context(_ id: Workflow.ID) -> [UInt8] {
    Array("domicile/1/workflow \(id.kind.rawValue)\0".utf8) + id.key
  }

  /// Every part with its length, so that no two contexts have the same bytes.
  private static func context(_ address: RecordAddress, version: UInt64) -> [UInt8] {
    var bytes = context("record", address.tag)
    for part in [address.collection.rawValue, address.key] {
      bytes += withUnsafeBytes(of: UInt32(part.utf8.count).bigEndian, Array.init)
      bytes += Array(part.utf8)
    }
    return bytes + withUnsafeBytes(of: version.bigEndian, Array.init)
  }

  private static func context(_ use: StaticString, _ tag: SubjectTag) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(64)
    bytes += "domicile/1/".utf8
    use.withUTF8Buffer { bytes += $0 }
    bytes.append(0)
    bytes += tag.bytes
    return bytes
  }
}

package import AuditTrail
import Cryptography
import Foundation
package import RegionStore
package import Residency

/// The keys of one region that are not certificates. Files of its own state folder, readable by their owner only.
package struct RegionSecrets: Sendable {
  /// Wraps the subjects' keys. Whoever has it and the key database can read every subject of the region.
  package let kek: KeyEncryptionKey
  /// Turns subject ids into tags: the same in every region.
  package let tagger: SubjectTagger
  /// Under which all regions of the deployment count the directory.
  package let digestKey: [UInt8]
  /// Signs the callers' sessions: see ``DirectorySession``. The same in every region.
  let sessionKey: [UInt8]
  /// Signs the region's audit log.
  package var auditSigner: NoteSigner { auditKeys.signer }
  /// With the public halves of those that signed it before.
  package let auditKeys: LogKeyFile
  /// Cosigns the checkpoints of other regions' logs.
  package let witnessSigner: NoteSigner
  /// Keys the views that hide values.
  let viewKey: [UInt8]

  package enum Failure: Error, CustomStringConvertible {
    case missing(path: String)
    case malformed(path: String)
    case foreign(path: String, expected: String)

    package var description: String {
      switch self {
      case .missing(let path): "there is no \(path): run 'domicile certs' first, or copy the region's secrets here"
      case .malformed(let path): "\(path) is not a key of the form that 'domicile certs' writes"
      case .foreign(let path, let expected): "\(path) is the key of another log than \(expected)"
      }
    }
  }

  struct Files {
    let kek: String
    let directoryKey: String
    let auditKey: String
    let witnessKey: String

    init(_ state: StateFolder, _ region: RegionID) {
      let folder = state.folder(of: region)
      kek = "\(folder)/kek"
      directoryKey = "\(folder)/directory.key"
      auditKey = "\(folder)/audit.key"
      witnessKey = "\(folder)/witness.key"
    }
  }

  package init(state: StateFolder, region: RegionDescriptor) throws {
    let files = Files(state, region.id)
    let kekBytes = try Self.key(at: files.kek)
    guard let key = SymmetricKey(bytes: kekBytes) else { throw Failure.malformed(path: files.kek) }
    kek = KeyEncryptionKey(id: Self.identifier(of: kekBytes), key: key)
    viewKey = try HKDF.derive(key: kekBytes, salt: [], info: Array("domicile views".utf8), count: 32)
    let directoryKey = try Self.key(at: files.directoryKey)
    guard let tagger = SubjectTagger(key: directoryKey) else {
      throw Failure.malformed(path: files.directoryKey)
    }
    self.tagger = tagger
    digestKey = HMACSHA256.code(for: Array("domicile directory digest 1".utf8), key: directoryKey)
    sessionKey = HMACSHA256.code(for: Array("domicile directory session 1".utf8), key: directoryKey)
    auditKeys = try Self.logKeys(at: files.auditKey)
    guard auditKeys.signer.verifierKey.name.description == region.audit.origin else {
      throw Failure.foreign(path: files.auditKey, expected: region.audit.origin)
    }
    witnessSigner = try Self.signer(at: files.witnessKey, .cosignatureV1)
  }

  private static func logKeys(at path: String) throws -> LogKeyFile {
    guard let text = DurableFile.text(at: path) else { throw Failure.missing(path: path) }
    guard let keys = try? LogKeyFile(parsing: text), keys.signer.verifierKey.algorithm == .ed25519 else {
      throw Failure.malformed(path: path)
    }
    return keys
  }

  private static func signer(at path: String, _ algorithm: VerifierKey.Algorithm) throws -> NoteSigner {
    guard let text = DurableFile.text(at: path) else { throw Failure.missing(path: path) }
    guard let signer = try? NoteSigner(parsingPrivate: text.trimmingCharacters(in: .whitespacesAndNewlines)),
      signer.verifierKey.algorithm == algorithm
    else { throw Failure.malformed(path: path) }
    return signer
  }

  /// Names a key without giving it away.
  private static func identifier(of key: [UInt8]) -> String {
    HMACSHA256.code(for: Array("domicile kek id".utf8), key: key).prefix(8).hex
  }

  private static func key(at path: String) throws -> [UInt8] {
    guard let text = DurableFile.text(at: path) else { throw Failure.missing(path: path) }
    guard let bytes = [UInt8](hex: text.trimmingCharacters(in: .whitespacesAndNewlines)), bytes.count == 32 else {
      throw Failure.malformed(path: path)
    }
    return bytes
  }
}

extension DevelopmentAuthority {
  /// Makes the regions' secrets that are missing. Never replaces one: what was sealed or signed under it would be lost.
  package func prepareSecrets(_ catalog: RegionCatalog) throws {
    var directoryKey: [UInt8]?
    for region in catalog.regions {
      let path = RegionSecrets.Files(state, region.id).directoryKey
      if let text = DurableFile.text(at: path) { directoryKey = Array(text.utf8) }
    }
    let sharedKey = try directoryKey ?? Array((try SecureRandom.bytes(32).hex + "\n").utf8)
    for region in catalog.regions {
      let files = RegionSecrets.Files(state, region.id)
      try create(files.directoryKey, sharedKey)
      try create(files.kek, Array((try SecureRandom.bytes(32).hex + "\n").utf8))
      guard let name = KeyName(region.audit.origin) else { throw RegionSecrets.Failure.malformed(path: files.auditKey) }
      let signer = NoteSigner(name: name, algorithm: .ed25519, privateKey: try Ed25519PrivateKey.generate())
      try create(files.auditKey, Array((signer.privateText + "\n").utf8))
      let host = region.audit.origin.prefix { $0 != "/" }
      guard let witness = KeyName("\(host)/witness") else { throw RegionSecrets.Failure.malformed(path: files.witnessKey) }
      let cosigner = NoteSigner(name: witness, algorithm: .cosignatureV1, privateKey: try Ed25519PrivateKey.generate())
      try create(files.witnessKey, Array((cosigner.privateText + "\n").utf8))
    }
    for region in catalog.regions { try writeTrust(region, catalog) }
  }

  /// One witness under another law than the region's has to have cosigned; where there is none, one.
  private func writeTrust(_ region: RegionDescriptor, _ catalog: RegionCatalog) throws {
    let witnesses = region.audit.witnesses.compactMap { catalog[$0] }.filter(\.status.isMember)
    let abroad = witnesses.filter { $0.jurisdiction.country != region.jurisdiction.country }
    let trust = TrustPolicy.text(
      logs: try RegionSecrets(state: state, region: region).auditKeys.verifierKeys,
      witnesses: try witnesses.map {
        ($0.id.rawValue, try RegionSecrets(state: state, region: $0).witnessSigner.verifierKey)
      },
      threshold: witnesses.isEmpty ? 0 : 1, of: (abroad.isEmpty ? witnesses : abroad).map(\.id.rawValue))
    try DurableFile.write(Array(trust.utf8), to: state.auditTrust(of: region.id), access: .everyoneReads)
  }

  private func create(_ path: String, _ bytes: [UInt8]) throws {
    guard !FileManager.default.fileExists(atPath: path) else { return try DurableFile.restrictToOwner(path) }
    try DurableFile.write(bytes, to: path, access: .ownerOnly)
  }
}

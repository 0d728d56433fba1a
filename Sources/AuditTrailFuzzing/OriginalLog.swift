import AuditTrail
import Cryptography
import Residency

/// An honest log of made-up events, as the files of a folder, with the keys that signed it.
struct OriginalLog {
  let leaves: [[UInt8]]
  let hashes: [SHA256Digest]
  let files: [String: [UInt8]]
  /// In a fixed order, so that an input means the same in every run.
  let paths: [String]
  let signer: NoteSigner
  let witness: NoteSigner
  let trust: TrustPolicy
  let trustText: String
  let note: SignedNote
  let checkpoint: Checkpoint

  init(size: Int, salt: UInt8 = 0) throws {
    signer = try Self.signer("eu-west.example.org/audit", .ed25519, 1)
    witness = try Self.signer("us-east.example.org/witness", .cosignatureV1, 2)
    leaves = try (0..<size).map { try Self.event($0, salt).leafBytes() }
    hashes = leaves.map { MerkleTree.leafHash($0) }
    var writer = TileWriter()
    var files = Dictionary(writer.append(hashes).map { ($0.path, $0.bytes) }, uniquingKeysWith: { $1 })
    for index in 0..<TileCoordinate.count(level: 0, treeSize: size) {
      guard let bundle = TileCoordinate(.entries, index: index, treeSize: size) else { continue }
      let start = index * TileCoordinate.fullWidth
      files[bundle.path] = try EntryBundle.encode(Array(leaves[start..<start + bundle.width]))
    }
    checkpoint = Checkpoint(origin: signer.verifierKey.name, size: size, root: writer.frontier.root)
    var note = try checkpoint.signed(by: signer)
    note.add(try witness.sign(checkpoint.text, time: 1_795_400_000))
    files["checkpoint"] = note.bytes
    self.note = note
    self.files = files
    paths = files.keys.sorted()
    trustText = "log \(signer.verifierKey)\nwitness us-east \(witness.verifierKey)\ngroup all all us-east\nquorum all\n"
    trust = try TrustPolicy(parsing: Array(trustText.utf8), file: "trust.txt")
  }

  private static func signer(_ name: String, _ algorithm: VerifierKey.Algorithm, _ seed: UInt8) throws -> NoteSigner {
    guard let name = KeyName(name) else { throw BrokenClaim("no key name") }
    return NoteSigner(
      name: name, algorithm: algorithm, privateKey: try Ed25519PrivateKey(seed: [UInt8](repeating: seed, count: 32)))
  }

  private static func event(_ index: Int, _ salt: UInt8) throws -> AuditEvent {
    let home = AuditEvent.Place(region: RegionID("eu-west"), jurisdiction: Jurisdiction("IE"))
    let abroad = AuditEvent.Place(region: RegionID("us-east"), jurisdiction: Jurisdiction("US-CA"))
    guard let salt = AuditEvent.Salt([UInt8](repeating: salt, count: AuditEvent.Salt.byteCount)) else {
      throw BrokenClaim("no salt")
    }
    var event = AuditEvent(
      time: UTCTime(milliseconds: 1_795_355_334_012 + Int64(index)), id: "event-\(index)",
      activity: AuditActivity.allCases[index % AuditActivity.allCases.count], effect: index % 5 == 4 ? .denied : .allowed,
      requester: index % 2 == 0 ? home : abroad, salt: salt)
    // Every third has all that a leaf can have; the others are short, so that long logs are quick.
    guard index % 3 == 0 else { return event }
    event.home = home
    event.reason = "POLICY_DENIED"
    event.rules = [AuditEvent.Rule(id: "eu.local", location: "policies/eu-transfers.yaml:6")]
    event.monitored = AuditEvent.Monitored(
      effect: .denied, rules: event.rules, redactions: [AuditEvent.Redaction(field: "email", view: .hash)])
    event.hops = [AuditEvent.Hop(from: home, to: abroad)]
    event.redactions = [AuditEvent.Redaction(field: "name", view: .drop)]
    event.policyRevision = "sha256:00"
    event.principal = "shop"
    event.purpose = Purpose("support")
    event.legalBasis = "contract"
    event.safeguard = Safeguard("scc")
    event.collection = CollectionName("profile")
    event.classes = [DataClass("contact"), DataClass("health")]
    var facts = AuditEvent.DecisionFacts(action: .read)
    facts.citizenship = [Jurisdiction("DE"), Jurisdiction("CA-QC")].compactMap(\.self)
    facts.consent = .explicit
    facts.fields = .named(["*", "email"])
    facts.residence = Jurisdiction("CA")
    facts.recipients = [abroad]
    facts.transferred = [.init(dataClass: .any, people: 12)]
    event.facts = facts
    event.operation = "compare_directory us-east"
    event.recordVersion = .max
    event.documentKey = "\u{1}\u{e9}\u{1f600}\"\\\n"
    event.subject = AuditPseudonym(period: AuditPeriod(containing: event.time), code: SHA256.digest(of: [UInt8(index % 7)]))
    event.subjectEpoch = .first
    event.directoryVersion = "7"
    event.request = AuditEvent.RequestNumber(coordinator: "eu-west-1", number: UInt64(index + 1))
    if let region = RegionID("us-east") {
      event.counterpart = AuditEvent.Counterpart(region: region, index: 7, leafHash: SHA256.digest(of: [1]))
    }
    event.sealedDetails = [1, 2, 3, 4]
    return event
  }
}

import AuditTrail
import Cryptography
import FoundationEssentials
import Glibc
import Residency

/// A log of made-up events, as a folder that a region could have published.
struct AuditBenchLog: Sendable {
  let folder: String
  /// Of each person about how many events there are.
  private static let eventsEach = 20
  private static let tilesAtOnce = 64

  /// One of the people whom it speaks of.
  static let subject = "bench-subject-7"

  /// Writes the log, its trust file `trust.txt` beside it, and what names its subject's pseudonyms.
  /// - Parameter report: hears of progress.
  static func write(
    leafCount: Int, in folder: String, report: @Sendable (String) -> Void
  ) async throws -> AuditBenchLog {
    let log = AuditBenchLog(folder: "\(folder)/log")
    guard let name = KeyName("bench.example.org/audit") else { throw AuditBenchFailure.noLog }
    let key = NoteSigner(name: name, algorithm: .ed25519, privateKey: try Ed25519PrivateKey(seed: try SecureRandom.bytes(32)))
    var writer = TileWriter()
    var written = 0
    // Those that are not full at the end. Each level's is the last that there was.
    var partial: [TileCoordinate: [UInt8]] = [:]
    let tileCount = (leafCount + TileCoordinate.fullWidth - 1) / TileCoordinate.fullWidth
    for first in stride(from: 0, to: tileCount, by: tilesAtOnce) {
      let tiles = try await withThrowingTaskGroup(of: (Int, [SHA256Digest]).self) { group in
        for tile in first..<min(first + tilesAtOnce, tileCount) {
          group.addTask { (tile, try log.writeBundle(tile, of: leafCount)) }
        }
        return try await group.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }
      }
      for file in writer.append(tiles.flatMap(\.1)) {
        if file.coordinate.isFull { try log.write(file.bytes, file.path) } else { partial[file.coordinate] = file.bytes }
      }
      if writer.size / 1_000_000 > written / 1_000_000 { report("\(writer.size) of \(leafCount) leaves written") }
      written = writer.size
    }
    for coordinate in TileWriter.tilesNeeded(size: leafCount) { try log.write(partial[coordinate] ?? [], coordinate.path) }
    let checkpoint = Checkpoint(origin: name, size: leafCount, root: writer.frontier.root)
    try log.write(try checkpoint.signed(by: key).bytes, "checkpoint")
    try log.write(Array("log \(key.verifierKey)\nquorum none\n".utf8), "../trust.txt")
    try log.writeSubject(leafCount)
    return log
  }

  private func write(_ bytes: [UInt8], _ path: String) throws {
    let file = URL(filePath: "\(folder)/\(path)")
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: file)
  }

  private func writeBundle(_ tile: Int, of leafCount: Int) throws -> [SHA256Digest] {
    guard let coordinate = TileCoordinate(.entries, index: tile, treeSize: leafCount) else { return [] }
    let start = tile * TileCoordinate.fullWidth
    let leaves = try (start..<start + coordinate.width).map { try Self.event($0, of: leafCount).leafBytes() }
    try write(try EntryBundle.encode(leaves), coordinate.path)
    return leaves.map(MerkleTree.leafHash)
  }

  private func writeSubject(_ leafCount: Int) throws {
    let (_, code) = Self.person(7)
    let json: JSONValue = [
      "pseudonyms": .array(
        (0...11).map { month in
          ["period": .string("2026-\(month < 9 ? "0" : "")\(month + 1)"), "pseudonym": .string(code(month).description)]
        })
    ]
    try write(json.canonicalBytes, "subjects/\(SHA256.digest(of: Array(Self.subject.utf8))).json")
  }

  private static func person(_ number: Int) -> (number: Int, code: (Int) -> SHA256Digest) {
    (number, { month in SHA256.digest(of: Array("person \(number) in month \(month)".utf8)) })
  }

  /// About as long as a region's: a decision on a read with two rules, one in five of them a denial.
  private static func event(_ index: Int, of leafCount: Int) throws -> AuditEvent {
    let hash = SHA256.digest(of: Array("event \(index)".utf8)).bytes
    let number = hash.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    let person = person(Int(number % UInt64(max(1, leafCount / eventsEach))))
    let month = index * 12 / leafCount
    let home = AuditEvent.Place(region: RegionID("eu-west"), jurisdiction: Jurisdiction("IE"))
    let abroad = AuditEvent.Place(region: RegionID("us-east"), jurisdiction: Jurisdiction("US"))
    let isForeign = number % 3 == 0
    let isDenied = number % 5 == 0
    guard let salt = AuditEvent.Salt(Array(hash.prefix(16))) else { throw AuditBenchFailure.noLog }
    // 2026-01-01, and a year from there.
    let time = UTCTime(milliseconds: 1_767_225_600_000 + Int64(index) * 31_536_000_000 / Int64(leafCount))
    var event = AuditEvent(
      time: time, id: hash.suffix(16).hex, activity: number % 4 == 0 ? .write : .read, effect: isDenied ? .denied : .allowed,
      requester: isForeign ? abroad : home, salt: salt)
    event.home = home
    event.hops = isForeign ? [AuditEvent.Hop(from: home, to: abroad)] : []
    event.reason = isDenied ? "POLICY_DENIED" : nil
    event.rules = [
      AuditEvent.Rule(id: "eu-transfers.local", location: "policies/rules/eu-transfers.yaml:28"),
      AuditEvent.Rule(id: "baseline.same-region", location: "policies/rules/baseline.yaml:11"),
    ]
    event.policyRevision = "sha256:\(SHA256.digest(of: []).description)"
    event.principal = ["app-web", "app-mobile", "support-desk", "billing"][Int(number / 7 % 4)]
    event.purpose = Purpose(["service", "support", "billing"][Int(number / 11 % 3)])
    event.legalBasis = "contract"
    event.safeguard = isForeign ? Safeguard("scc") : nil
    event.collection = CollectionName("profile")
    event.classes = [DataClass("contact"), DataClass("profile")]
    event.facts = AuditEvent.DecisionFacts(action: number % 4 == 0 ? .write : .read)
    event.facts?.consent = AuditEvent.DecisionFacts.Consent.none
    event.recordVersion = 3
    event.subject = AuditPseudonym(period: AuditPeriod(containing: time), code: person.code(month))
    event.subjectEpoch = .first
    event.request = AuditEvent.RequestNumber(coordinator: "eu-west-0123456789abcdef", number: UInt64(index + 1))
    event.sealedDetails = hash + hash + hash
    return event
  }
}

import AuditTrail
import Cryptography
import Residency
import Testing

@Suite struct LogVerifierTests {
  @Test(arguments: [1, 2, 255, 256, 257, 600, 1024])
  func `an honest log of any size verifies`(size: Int) throws {
    let log = try SampleLog(size: size)
    let (report, events) = try log.verify(try log.trust(quorum: "us-east"))
    #expect(report.exit == .verified && report.findings.isEmpty)
    #expect(report.leavesVerified == size && events.map(\.index) == Array(0..<size))
    #expect(report.checkpoint?.quorum == .met)
    #expect(report.timeSpan?.lowerBound == UTCTime(milliseconds: 1_795_355_334_012))
  }

  @Test func `a log whose upper levels are full verifies too`() throws {
    // Leaves that are no events, so that 66,000 of them are quick.
    let hashes = (0..<66_000).map { MerkleTree.leafHash([UInt8($0 & 255)]) }
    let signer = try NoteTests.signer("eu-west.example.org/audit")
    var writer = TileWriter()
    var files = Dictionary(writer.append(hashes).map { ($0.path, $0.bytes) }, uniquingKeysWith: { $1 })
    var index = 0
    while let bundle = TileCoordinate(.entries, index: index, treeSize: hashes.count) {
      files[bundle.path] = try EntryBundle.encode((0..<bundle.width).map { [UInt8(($0 + index * 256) & 255)] })
      index += 1
    }
    var log = try SampleLog(size: 1)
    files["checkpoint"] =
      try Checkpoint(origin: signer.verifierKey.name, size: hashes.count, root: writer.frontier.root).signed(by: signer).bytes
    log.files = files
    let report = try log.verify().report
    #expect(report.leavesVerified == 66_000)
    #expect(report.findings.allSatisfy { $0.code == "leaf_unreadable" } && report.exit == .incomplete)
    for path in ["tile/1/000", "tile/1/001.p/1", "tile/2/000.p/1"] {
      var changed = log
      changed.files[path]?[11] ^= 1
      #expect(try changed.verify().report.findings.contains { $0.code == "tile_changed" }, "\(path)")
      changed.files[path] = nil
      #expect(try changed.verify().report.findings.contains { $0.description.contains(path) }, "\(path)")
    }
  }

  @Test(arguments: [0, 1, 255, 256, 299])
  func `a changed leaf is tampering, and is named`(index: Int) throws {
    var log = try SampleLog(size: 300)
    var leaf = log.leaves[index]
    leaf[leaf.count / 2] ^= 1
    try log.replaceLeaf(index, with: leaf)
    let report = try log.verify().report
    #expect(report.exit == .tampered)
    let changed = report.findings.filter { $0.code == "leaf_changed" }
    #expect(changed.map(\.index) == [index])
    #expect(report.leavesVerified == 299)
  }

  @Test func `a leaf replaced by another valid event is named`() throws {
    var log = try SampleLog(size: 300)
    var event = try AuditEvent(leaf: log.leaves[4])
    event.effect = .allowed
    event.reason = nil
    try log.replaceLeaf(4, with: try event.leafBytes())
    let report = try log.verify().report
    #expect(report.exit == .tampered && report.findings.map(\.index) == [4])
  }

  @Test func `two leaves that changed places are both named`() throws {
    var log = try SampleLog(size: 300)
    let (a, b) = (log.leaves[10], log.leaves[20])
    try log.replaceLeaf(10, with: b)
    try log.replaceLeaf(20, with: a)
    let report = try log.verify().report
    #expect(report.exit == .tampered && report.findings.map(\.index) == [10, 20])
  }

  @Test func `a leaf taken out of the middle shifts the rest, and that is tampering`() throws {
    var log = try SampleLog(size: 300)
    let bundle = try #require(log.files["tile/entries/000"])
    var entries = try EntryBundle.decode(bundle).map(Array.init)
    entries.remove(at: 100)
    log.files["tile/entries/000"] = try EntryBundle.encode(entries)
    let report = try log.verify().report
    #expect(report.exit == .tampered)
    #expect(report.findings.first { $0.code == "leaf_changed" }?.index == 100)
    #expect(report.findings.contains(.leavesMissing(255..<256)))
  }

  @Test func `leaves missing at the end are incomplete, and named`() throws {
    var log = try SampleLog(size: 300)
    let bundle = try #require(log.files["tile/entries/001.p/44"])
    let entries = try EntryBundle.decode(bundle).map(Array.init)
    log.files["tile/entries/001.p/44"] = try EntryBundle.encode(Array(entries.dropLast(2)))
    var report = try log.verify().report
    #expect(report.exit == .incomplete && report.findings == [.leavesMissing(298..<300)])
    log.files["tile/entries/001.p/44"] = Array(bundle.dropLast())
    report = try log.verify().report
    #expect(report.exit == .incomplete && report.findings.contains(.leavesMissing(299..<300)))
  }

  @Test func `a missing tile or bundle is incomplete, whichever it is`() throws {
    let log = try SampleLog(size: 600)
    #expect(log.files.count == 8)
    for path in log.files.keys.sorted() where path != "checkpoint" {
      var without = log
      without.files[path] = nil
      let report = try without.verify().report
      #expect(report.exit == .incomplete, "\(path)")
      #expect(report.findings.contains { $0.description.contains("\(path): not there") }, "\(path)")
    }
  }

  @Test func `a changed hash tile is named, and the leaves are not blamed`() throws {
    var log = try SampleLog(size: 300)
    log.files["tile/0/000"]?[33] ^= 1
    let report = try log.verify().report
    #expect(report.exit == .tampered)
    #expect(report.findings.first == .tileChanged(TileCoordinate(.hashes(level: 0), index: 0)))
    #expect(!report.findings.contains { $0.code == "leaf_changed" })
  }

  @Test func `leaf and tile changed together do not reach the signed root`() throws {
    var log = try SampleLog(size: 300)
    var event = try AuditEvent(leaf: log.leaves[7])
    event.principal = "nobody"
    let leaf = try event.leafBytes()
    try log.replaceLeaf(7, with: leaf)
    log.files["tile/0/000"]?.replaceSubrange(7 * 32..<8 * 32, with: MerkleTree.leafHash(leaf).bytes)
    let report = try log.verify().report
    #expect(report.exit == .tampered && report.leavesVerified == 0)
    #expect(report.findings.contains { $0.code == "root_mismatch" })
    #expect(report.findings.contains(.tileChanged(TileCoordinate(.hashes(level: 1), index: 0, width: 1))))
  }

  @Test func `a log signed by another key is not trusted`() throws {
    let log = try SampleLog(size: 10, seed: 2)
    let trust = try SampleLog(size: 1).trust()
    let report = try log.verify(trust).report
    #expect(report.exit == .untrusted && report.checkpoint == nil)
    #expect(report.notChecked.first?.hasPrefix("everything") == true)
  }

  @Test func `a checkpoint changed after signing is tampering`() throws {
    var log = try SampleLog(size: 10)
    let text = String(decoding: try #require(log.files["checkpoint"]), as: UTF8.self)
    log.files["checkpoint"] = Array(text.replacing("\n10\n", with: "\n11\n").utf8)
    #expect(try log.verify().report.exit == .tampered)
  }

  @Test func `no checkpoint, or no leaves, is incomplete`() throws {
    var log = try SampleLog(size: 10)
    log.files["checkpoint"] = nil
    #expect(try log.verify().report.exit == .incomplete)
    log.files["checkpoint"] = Array("garbage".utf8)
    #expect(try log.verify().report.exit == .incomplete)
    let empty = try SampleLog(size: 0).verify().report
    #expect(empty.exit == .incomplete && empty.findings == [.empty])
  }

  @Test func `too few witnesses is exit 4, and no witness asked for is said`() throws {
    var log = try SampleLog(size: 10)
    #expect(try log.verify().report.notChecked.contains { $0.hasPrefix("witnesses") })
    #expect(try log.verify(try log.trust(quorum: "us-east")).report.notChecked.contains { $0.hasPrefix("witnesses") } == false)
    log.files["checkpoint"] = try log.checkpoint.signed(by: log.signer).bytes
    let report = try log.verify(try log.trust(quorum: "us-east")).report
    #expect(report.exit == .untrusted && report.findings == [.quorumUnmet(cosigners: 0)] && report.leavesVerified == 10)
  }

  @Test(arguments: [1, 100, 255, 256, 257, 300])
  func `an earlier checkpoint of the same history passes, of another is a fork`(size: Int) throws {
    let log = try SampleLog(size: 300)
    let earlier = try SampleLog(size: size)
    #expect(try log.verify(earlier: [earlier.checkpoint]).report.findings.isEmpty)
    let other = try SampleLog(size: size) { index, event in if index == 0 { event.principal = "other" } }
    let report = try log.verify(earlier: [other.checkpoint]).report
    #expect(report.exit == .tampered && report.findings == [.forked(earlierSize: size)])
  }

  @Test func `a log that lost its newest leaves is noticed by an earlier checkpoint`() throws {
    let log = try SampleLog(size: 300)
    let earlier = try SampleLog(size: 301)
    let report = try log.verify(earlier: [earlier.checkpoint]).report
    #expect(report.exit == .tampered && report.findings == [.rolledBack(earlierSize: 301, size: 300)])
  }

  @Test func `a checkpoint that claims a huge size ends soon`() throws {
    var log = try SampleLog(size: 10)
    let claim = Checkpoint(origin: log.signer.verifierKey.name, size: .max, root: SHA256.digest(of: [1]))
    log.files = ["checkpoint": try claim.signed(by: log.signer).bytes]
    let report = try log.verify().report
    #expect(report.exit == .incomplete && report.findings.contains { $0.code == "stopped" })
  }

  @Test func `the graver finding decides the exit status`() {
    #expect(AuditExit.verified.combined(with: .incomplete) == .incomplete)
    #expect(AuditExit.incomplete.combined(with: .untrusted) == .untrusted)
    #expect(AuditExit.untrusted.combined(with: .tampered) == .tampered)
    #expect(AuditExit.tampered.combined(with: .verified) == .tampered)
  }

  @Test func `a query finds what matches all its conditions`() throws {
    let events = try SampleLog(size: 70).verify().events
    func count(_ edit: (inout AuditQuery) -> Void) -> Int {
      var query = AuditQuery()
      edit(&query)
      return events.count { query.matches($0.event) }
    }
    #expect(count { _ in } == 70)
    #expect(count { $0.effect = .denied } == 14)
    #expect(count { $0.principal = "shop" } == 35)
    #expect(count { $0.toRegion = RegionID("us-east") } == 35)
    #expect(count { $0.fromRegion = RegionID("us-east") } == 0)
    #expect(count { $0.since = UTCTime(milliseconds: 1_795_355_334_012 + 60) } == 10)
    #expect(count { $0.pseudonyms = [] } == 0)
    #expect(count { $0.pseudonyms = [SHA256.digest(of: [3])] } == 10)
  }
}

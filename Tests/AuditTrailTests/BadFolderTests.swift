import AuditTrail
import Foundation
import Testing

/// Folders that hold something else than a log's files. An auditor's program must end, and say where.
@Suite struct BadFolderTests {
  @Test(arguments: [
    SpoiltLog("a pipe as a tile", 3, "tile/0/000: not a file") { folder in
      let place = try folder.emptied("tile/0/000")
      #expect(mkfifo(place, 0o600) == 0)
    },
    SpoiltLog("a pipe as the checkpoint", 3, "no checkpoint: not a file") { folder in
      let place = try folder.emptied("checkpoint")
      #expect(mkfifo(place, 0o600) == 0)
    },
    SpoiltLog("a device as a bundle", 3, "tile/entries/000: not a file") { folder in
      let place = try folder.emptied("tile/entries/000")
      #expect(symlink("/dev/zero", place) == 0)
    },
    SpoiltLog("links in a circle", 3, "tile/entries/001.p/44: cannot be read: its links lead in a circle") { folder in
      let place = try folder.emptied("tile/entries/001.p/44")
      #expect(symlink(place, place) == 0)
    },
    SpoiltLog("a link to nowhere", 3, "tile/0/000: not there") { folder in
      let place = try folder.emptied("tile/0/000")
      #expect(symlink("nowhere", place) == 0)
    },
    SpoiltLog("a folder as a tile", 3, "tile/0/000: not a file") { folder in
      let place = try folder.emptied("tile/0/000")
      #expect(mkdir(place, 0o700) == 0)
    },
    SpoiltLog("a folder as the checkpoint", 3, "no checkpoint: not a file") { folder in
      let place = try folder.emptied("checkpoint")
      #expect(mkdir(place, 0o700) == 0)
    },
    SpoiltLog("a file as a folder", 3, "tile/entries/000: not there: something on the way to it is no folder") { folder in
      let place = try folder.emptied("tile")
      try Data("tile".utf8).write(to: URL(filePath: place))
    },
    SpoiltLog("a file larger than any of a log", 3, "tile/entries/000: larger than a file of a log can be") { folder in
      #expect(truncate(folder.appending(path: "tile/entries/000").path(percentEncoded: false), 1 << 40) == 0)
    },
    SpoiltLog("a file as the log", 3, "log: there is no such folder") { folder in
      try FileManager.default.removeItem(at: folder)
      try Data("log".utf8).write(to: folder)
    },
  ])
  func `something else`(spoilt: SpoiltLog) throws { try verify(spoilt) }

  @Test(.enabled(if: geteuid() != 0, "root may read everything"))
  func `a file that may not be read`() throws {
    try verify(
      SpoiltLog(
        "forbidden", 3, "tile/0/000: cannot be read: no permission",
        inFolder: { folder in
          #expect(chmod(folder.appending(path: "tile/0/000").path(percentEncoded: false), 0) == 0)
        }))
  }

  @Test(arguments: [
    SpoiltLog("leaf tile", 3, "tile/0/000 has 8193 bytes instead of 8192") { try $0.change("tile/0/000") { $0.append(0) } },
    SpoiltLog("partial tile, by a hash", 3, "tile/0/001.p/44 has 1440 bytes instead of 1408") { log in
      try log.change("tile/0/001.p/44") { $0 += [UInt8](repeating: 0, count: 32) }
    },
    SpoiltLog("upper tile", 3, "tile/1/000.p/1 has 64 bytes instead of 32") { log in
      try log.change("tile/1/000.p/1") { $0 += $0 }
    },
    SpoiltLog("full bundle, by an entry", 3, "tile/entries/000: more than 256 entries") { log in
      try log.change("tile/entries/000") { $0 += [0, 1, 7] }
    },
    SpoiltLog("partial bundle, by an entry", 3, "tile/entries/001.p/44: 45 entries instead of 44") { log in
      try log.changeEntries("tile/entries/001.p/44") { $0.append($0[0]) }
    },
    SpoiltLog("partial bundle, by a byte", 3, "tile/entries/001.p/44: cut off after entry 44") { log in
      try log.change("tile/entries/001.p/44") { $0.append(0) }
    },
    SpoiltLog("checkpoint, by a line", 3, "no checkpoint: signed note, line 7: not a signature line") { log in
      try log.change("checkpoint") { $0 += Array("more\n".utf8) }
    },
    SpoiltLog("checkpoint, by a line without an end", 3, "no checkpoint: signed note: cut off") { log in
      try log.change("checkpoint") { $0 += Array("more".utf8) }
    },
  ])
  func `something after the end of the`(spoilt: SpoiltLog) throws { try verify(spoilt) }

  @Test(arguments: [
    (#"{"a":"# + String(repeating: "[", count: 30_000), "not a JSON document"),
    (String(repeating: #"{"a":"#, count: 500) + "1" + String(repeating: "}", count: 500), "class_uid is missing"),
    ("", "not a JSON document"), ("[]", "class_uid is missing"),
  ])
  func `a leaf that was logged and is no event is named`(leaf: String, problem: String) throws {
    try verifyLogged(Array(leaf.utf8), problem)
  }

  @Test func `a leaf whose time is past all calendars is named`() throws {
    let leaf = String(decoding: try SampleLog.event(7).leafBytes(), as: UTF8.self)
    for time in [Int64.min, .max, 1 << 53] {
      let changed = leaf.replacing("\"time\":1795355334019", with: "\"time\":\(time)")
      #expect(changed != leaf)
      try verifyLogged(Array(changed.utf8), "time has a value that it cannot have")
    }
  }

  private func verifyLogged(_ leaf: [UInt8], _ problem: String) throws {
    let says = "leaf 7 is as it was logged, but cannot be read: \(problem)"
    try verify(SpoiltLog("no event", 3, says) { log in try log.relog(7, as: leaf) })
  }

  private func verify(_ spoilt: SpoiltLog) throws {
    let folder = try TemporaryFolder()
    var log = try SampleLog(size: 300)
    try Data("log \(log.signer.verifierKey)\nquorum none\n".utf8).write(to: folder.url.appending(path: "trust.txt"))
    try spoilt.spoil(&log, folder.url.appending(path: "log"))
    let outcome = try AuditCommand.run(["verify", "--log", "log", "--trust", "trust.txt"], in: folder.url)
    #expect(outcome.status == spoilt.status, "\(outcome.output)\(outcome.errors)")
    for part in spoilt.says {
      #expect(outcome.output.contains(part) || outcome.errors.contains(part), "'\(part)' in \(outcome.output)\(outcome.errors)")
    }
  }
}

extension SampleLog {
  /// Logs other bytes at an index, tree and signature included.
  mutating func relog(_ index: Int, as leaf: [UInt8]) throws {
    var leaves = leaves
    leaves[index] = leaf
    var writer = TileWriter()
    for file in writer.append(leaves.map { MerkleTree.leafHash($0) }) { files[file.path] = file.bytes }
    try changeEntries("tile/entries/000") { $0[index] = leaf }
    let head = Checkpoint(origin: signer.verifierKey.name, size: leaves.count, root: writer.frontier.root)
    files["checkpoint"] = try head.signed(by: signer).bytes
  }
}

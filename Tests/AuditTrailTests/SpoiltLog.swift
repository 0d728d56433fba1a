import AuditTrail
import Cryptography
import Foundation
import Testing

/// An honest log of 300 leaves in a folder, and one thing that is done to it.
struct SpoiltLog: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let status: Int32
  /// What the program's words must hold: what is wrong, and where.
  let says: [String]
  let spoil: @Sendable (inout SampleLog, _ folder: URL) throws -> Void

  /// Changes files before the folder is written.
  init(_ name: String, _ status: Int32, _ says: String..., spoil: @escaping @Sendable (inout SampleLog) throws -> Void) {
    testDescription = name
    self.status = status
    self.says = says
    self.spoil = { log, folder in
      try spoil(&log)
      try log.write(to: folder)
    }
  }

  /// Changes the folder that was written.
  init(_ name: String, _ status: Int32, _ says: String..., inFolder spoil: @escaping @Sendable (_ folder: URL) throws -> Void) {
    testDescription = name
    self.status = status
    self.says = says
    self.spoil = { log, folder in
      try log.write(to: folder)
      try spoil(folder)
    }
  }
}

extension SampleLog {
  /// Another text in place of the checkpoint's, signed by the log as it is.
  mutating func sign(_ text: String) throws {
    var note = try SignedNote(text: Array(text.utf8), signatures: [signer.sign(Array(text.utf8), time: 0)])
    note.add(try witness.sign(Array(text.utf8), time: 1_795_000_000))
    files["checkpoint"] = note.bytes
  }

  /// The log's own signature and these lines.
  mutating func cosign(_ signatures: SignedNote.Signature...) throws {
    var note = try checkpoint.signed(by: signer)
    for signature in signatures { note.add(signature) }
    files["checkpoint"] = note.bytes
  }

  /// Other text under the signatures that are there.
  mutating func replaceInCheckpoint(_ old: String, _ new: String) throws {
    let text = String(decoding: try #require(files["checkpoint"]), as: UTF8.self)
    #expect(text.contains(old))
    files["checkpoint"] = Array(text.replacing(old, with: new).utf8)
  }

  mutating func change(_ path: String, _ edit: (inout [UInt8]) throws -> Void) throws {
    var bytes = try #require(files[path], "\(path)")
    try edit(&bytes)
    files[path] = bytes
  }

  mutating func changeEntries(_ path: String, _ edit: (inout [[UInt8]]) -> Void) throws {
    try change(path) { bytes in
      var entries = try EntryBundle.decode(bytes).map(Array.init)
      edit(&entries)
      bytes = try EntryBundle.encode(entries)
    }
  }

  var cosigned: SignedNote.Signature {
    get throws { try witness.sign(try checkpoint.text, time: 1_795_000_000) }
  }
}

extension URL {
  /// Removes what is there.
  func emptied(_ path: String) throws -> String {
    let place = appending(path: path)
    try FileManager.default.createDirectory(at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
    try FileManager.default.removeItem(at: place)
    return place.path(percentEncoded: false)
  }
}

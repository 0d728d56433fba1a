import ConfigurationFiles
import Coordinator
import Foundation
import PolicyEngine
import Residency
import Testing

@testable import domicile

/// What a folder that is served is asked when it changes.
@Suite struct PolicySourceTests {
  private static let files = [
    "vocabulary.yaml":
      "actions: [read]\nclasses: [profile, health]\npurposes: [support]\nsafeguards: [scc]\nviews: [clear, drop]",
    "collections.yaml":
      "collections: { people: { locality: home, audit: strict, default_class: profile, fields: { diagnosis: health } } }",
    "principals.yaml": "principals: [{ match: \"*\", purposes: [support] }]",
    "open.yaml": "policy: open\nhome: \"*\"\nrules:\n  - { id: all, permit: read }\n",
    "house.yaml": "policy: house\nhome: \"*\"\nrules:\n  - { id: no-health, forbid: read, when: { class: health } }\n",
  ]
  private static let invariant = "invariants:\n  - { id: no-health, never: { action: read, class: health } }\n"

  /// A folder with these files, that is there while `body` runs.
  private func withFolder(_ files: [String: String], _ body: (String) throws -> Void) throws {
    let folder = NSTemporaryDirectory() + "policies-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for (name, text) in files { try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8) }
    try body(folder)
  }

  private func problem(_ body: () throws -> Void) -> String? {
    do {
      try body()
      return nil
    } catch {
      return (error as? ConfigurationError)?.diagnostics.first?.description ?? "\(error)"
    }
  }

  @Test func `a file that disappears while it is served does not open what it forbade`() throws {
    try withFolder(Self.files) { folder in
      let source = PolicyFolder.source(folder, regions: [], ageMax: .seconds(60))
      let (first, fingerprint) = (try source.load(), source.fingerprint())
      try FileManager.default.removeItem(atPath: "\(folder)/house.yaml")
      #expect(source.fingerprint() != fingerprint)
      // By itself it is a set like any other.
      let rest = try source.load()
      #expect(rest.ruleCount == 1)
      #expect(
        problem { try source.checkChange(first, rest) }?.hasPrefix("policies/house.yaml:1:1: error: the file is gone") == true)
      // What comes beside the others is welcome.
      try FileManager.default.createDirectory(atPath: "\(folder)/lists", withIntermediateDirectories: true)
      try Self.files["house.yaml"]?.write(toFile: "\(folder)/house.yaml", atomically: true, encoding: .utf8)
      try Self.invariant.write(toFile: "\(folder)/invariants.yaml", atomically: true, encoding: .utf8)
      #expect(problem { try source.checkChange(first, source.load()) } == nil)
    }
  }

  @Test func `a change that breaks an invariant is not taken up`() throws {
    var files = Self.files
    files["invariants.yaml"] = Self.invariant
    try withFolder(files) { folder in
      let source = PolicyFolder.source(folder, regions: [], ageMax: .seconds(60))
      let first = try source.load()
      let cut = "policy: house\nhome: \"*\"\nrules:\n  - { id: no-health, forbid: read, when: { class: profile } }\n"
      try cut.write(toFile: "\(folder)/house.yaml", atomically: true, encoding: .utf8)
      let found = problem { try source.checkChange(first, source.load()) }
      #expect(found?.contains("the invariant 'no-health' is broken") == true, "\(found ?? "nothing")")
    }
  }
}

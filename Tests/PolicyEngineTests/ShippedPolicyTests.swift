import Foundation
import PolicyEngine
import Residency
import Testing

/// The policies that the repository ships, at a pinned day.
@Suite struct ShippedPolicyTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "policies")

  private static func files() throws -> [PolicyFile] {
    let manager = FileManager.default
    let lists = try manager.contentsOfDirectory(atPath: folder.appending(path: "lists").path).map { "lists/\($0)" }
    return try (manager.contentsOfDirectory(atPath: folder.path) + lists).sorted().filter { $0.hasSuffix(".yaml") }.map { name in
      PolicyFile(path: "policies/\(name)", text: try String(contentsOf: folder.appending(path: name), encoding: .utf8))
    }
  }

  private static func failures(_ files: [PolicyFile]) throws -> [String] {
    let policies = try Fixture.load(files)
    return try PolicyTests.run(files, against: policies).filter { !$0.passed }
      .map { "\($0.location.fileAndLine) \($0.name): \($0.failures.joined(separator: "; "))" }
  }

  @Test func `they load, without an error or a warning`() throws {
    let policies = try Fixture.load(Self.files())
    #expect(policies.warnings.isEmpty)
    #expect(policies.ruleCount > 20)
    for name in ["subject", "profile", "orders", "health"] { #expect(policies.collection(CollectionName(name)) != nil) }
  }

  @Test func `every test beside them passes, and every pack has some`() throws {
    let files = try Self.files()
    #expect(try Self.failures(files) == [])
    let policies = try Fixture.load(files)
    for name in policies.packs.map(\.name) {
      #expect(files.contains { $0.path == "policies/\(name).test.yaml" }, "\(name) has no tests")
    }
  }

  @Test func `of a list past its review they warn`() throws {
    let policies = try Fixture.load(Self.files(), today: Fixture.day("2028-01-01"))
    let warnings = policies.warnings.map { "\($0.location.fileAndLine): \($0.message)" }
    #expect(warnings.contains("policies/lists/eea.yaml:7: list 'eea' was to be reviewed by 2027-11-01"))
    #expect(warnings.contains { $0.contains("agreement 'example-us-dpf' ended on 2027-09-01 and no longer counts") })
    #expect(warnings.contains { $0.contains("rule 'eu.consent' ended on 2027-01-01") })
  }

  @Test func `a change of any rule fails a test`() throws {
    let files = try Self.files()
    var survivors: [String] = []
    for (index, file) in files.enumerated() where file.text.contains("\nrules:\n") {
      for mutation in Self.mutations(of: file.text) {
        // The tests beside the pack are to notice: others would take time.
        let test = file.path.replacing(".yaml", with: ".test.yaml")
        var changed = files
        changed[index] = PolicyFile(path: file.path, text: mutation.text)
        changed.removeAll { $0.isTest && $0.path != test }
        do {
          if try Self.failures(changed).isEmpty { survivors.append("\(file.path): \(mutation.name)") }
        } catch is ConfigurationError {
          // A mutant that does not load is caught as well.
        }
      }
    }
    #expect(survivors == [])
  }

  /// Every rule removed; every `when`, `unless`, `from`, `until` and `view` of a rule removed; every view made `clear`.
  private static func mutations(of text: String) -> [(name: String, text: String)] {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    var mutations: [(name: String, text: String)] = []
    func add(_ name: String, _ lines: [String]) { mutations.append((name, lines.joined(separator: "\n"))) }
    let starts = lines.indices.filter { lines[$0].hasPrefix("  - id: ") } + [lines.count]
    for (start, end) in zip(starts, starts.dropFirst()) {
      let id = String(lines[start].dropFirst("  - id: ".count))
      var without = lines
      without.removeSubrange(start..<end)
      add("\(id) removed", without)
      for line in start..<end {
        for key in ["when", "unless", "from", "until", "view"] where lines[line].hasPrefix("    \(key):") {
          var next = line + 1
          while next < end, lines[next].hasPrefix("      ") { next += 1 }
          without = lines
          without.removeSubrange(line..<next)
          add("\(id) without \(key)", without)
        }
        for view in ["hash", "last4", "drop"] where lines[line].contains(": \(view)") {
          without = lines
          without[line] = lines[line].replacing(": \(view)", with: ": clear")
          add("\(id) with clear for \(view)", without)
        }
      }
    }
    return mutations
  }
}

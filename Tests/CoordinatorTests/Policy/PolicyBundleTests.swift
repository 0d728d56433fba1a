import AuditTrail
import Cryptography
import DomicileTestKit
import Foundation
import PolicyEngine
import Residency
import Testing

@testable import Coordinator

/// Bundles of policies: who made them, and which is newer.
@Suite struct PolicyBundleTests {
  private static let files = [
    PolicyFile(path: "policies/vocabulary.yaml", text: "actions: [read]\n"),
    PolicyFile(path: "policies/lists/eea.yaml", text: "list: eea\n"),
    PolicyFile(path: "policies/pack.test.yaml", text: "tests: pack\n"),
  ]

  private static func signer(_ name: String = "policies.example") throws -> NoteSigner {
    NoteSigner(
      name: try #require(KeyName(name)), algorithm: .ed25519, privateKey: try Ed25519PrivateKey(seed: try SecureRandom.bytes(32)))
  }

  private func failure(_ body: () throws -> PolicyBundle) -> PolicyBundle.Failure? {
    do {
      _ = try body()
      return nil
    } catch {
      return error as? PolicyBundle.Failure
    }
  }

  @Test func `a bundle is read as it was made, without the tests`() throws {
    let signer = try Self.signer()
    let made = try PolicyBundle(Self.files, sequence: 12, signers: [signer])
    let read = try PolicyBundle(parsing: made.bytes, keys: [signer.verifierKey])
    #expect(read.sequence == 12)
    #expect(read.files.map(\.path) == ["lists/eea.yaml", "vocabulary.yaml"])
    #expect(read.revision == made.revision)
    #expect(read.signers == ["policies.example"])
    #expect(read.bytes == made.bytes)
  }

  @Test func `where a key is configured, one that it did not sign is refused`() throws {
    let signer = try Self.signer()
    let keys = [signer.verifierKey]
    let unsigned = try PolicyBundle(Self.files, sequence: 1, signers: [])
    #expect(failure { try PolicyBundle(parsing: unsigned.bytes, keys: keys) } == .notSigned)
    let foreign = try PolicyBundle(Self.files, sequence: 1, signers: [try Self.signer("somebody.else")])
    #expect(failure { try PolicyBundle(parsing: foreign.bytes, keys: keys) } == .note(.noKnownSignature))
    // Without a key both are as good as their files.
    #expect(failure { try PolicyBundle(parsing: unsigned.bytes, keys: []) } == nil)
    #expect(failure { try PolicyBundle(parsing: foreign.bytes, keys: []) } == nil)
  }

  @Test func `a change of a file, of the number or of the signature is found`() throws {
    let signer = try Self.signer()
    let keys = [signer.verifierKey]
    let text = String(decoding: try PolicyBundle(Self.files, sequence: 12, signers: [signer]).bytes, as: UTF8.self)
    func read(_ text: String) -> PolicyBundle.Failure? { failure { try PolicyBundle(parsing: Array(text.utf8), keys: keys) } }
    #expect(read(text) == nil)
    if case .otherRevision? = read(text.replacing("list: eea", with: "list: all")) {
    } else {
      Issue.record("a changed file was read")
    }
    if case .otherRevision? = read(text.replacing("lists/eea.yaml", with: "lists/eeb.yaml")) {
    } else {
      Issue.record("a renamed file was read")
    }
    let name = try #require(KeyName("policies.example"))
    #expect(read(text.replacing(#"v1\n12\n"#, with: #"v1\n13\n"#)) == .note(.invalidSignature(name)))
    for broken in ["", "[]", "{}", text.dropLast(20).description, text.replacing("\"note\"", with: "\"nota\"")] {
      if case .malformed? = read(broken) {} else { Issue.record("'\(broken.prefix(40))' was read") }
    }
  }

  @Test func `a file of a strange name is refused, so that no file can hide in another's name`() throws {
    for name in ["a\n2\nx.yaml", "../pack.yaml", "lists/deep/x.yaml", "pack.test.yaml", ".pack.yaml", "pack.txt", ""] {
      let files = Self.files + [PolicyFile(path: "policies/\(name)", text: "policy: p\n")]
      let bundle = JSONValue.object([
        "files": .object(
          Dictionary(files.map { (String($0.path.dropFirst(9)), JSONValue.string($0.text)) }) { _, last in last }),
        "note": .string("domicile-policy-bundle/v1\n1\nsha256:00\n"),
      ])
      let found = failure { try PolicyBundle(parsing: bundle.canonicalBytes, keys: []) }
      #expect(found == .malformed("it has a file of a name that no policy file has"), "\(name)")
    }
  }

  @Test func `an older bundle is refused, after a restart too, and so is another with the same number`() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "domicile-ledger-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    func ledger() throws -> PolicyLedger { PolicyLedger(state: StateFolder(folder), region: try #require(RegionID("eu-west"))) }
    func bundle(_ sequence: UInt64, _ text: String = "x") throws -> PolicyBundle {
      try PolicyBundle([PolicyFile(path: "vocabulary.yaml", text: text)], sequence: sequence, signers: [])
    }
    try ledger().take(try bundle(5))
    try ledger().take(try bundle(5))
    #expect(throws: PolicyLedger.Failure.older(sequence: 4, taken: 5)) { try ledger().check(try bundle(4)) }
    #expect(throws: PolicyLedger.Failure.otherWithSameNumber(sequence: 5)) { try ledger().take(try bundle(5, "y")) }
    try ledger().take(try bundle(6, "y"))
    #expect(throws: PolicyLedger.Failure.older(sequence: 5, taken: 6)) { try ledger().take(try bundle(5)) }
    // Who cannot tell takes none.
    try "{".write(toFile: "\(folder)/eu-west/policy.json", atomically: true, encoding: .utf8)
    #expect(throws: PolicyLedger.Failure.self) { try ledger().check(try bundle(7)) }
  }
}

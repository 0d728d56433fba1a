import PolicyEngine
import Residency
import Testing

@Suite struct RevisionTests {
  private static let rules = "  - { id: all, permit: read }"

  private func revision(_ files: [PolicyFile]) throws -> String { try Fixture.load(files).revision }

  @Test func `the same files give the same revision, wherever they lie and in whatever order`() throws {
    let files = Fixture.files(Self.rules)
    let elsewhere = files.map { PolicyFile(path: "/etc/domicile/" + $0.path, text: $0.text) }
    let windows = files.map { PolicyFile(path: $0.path, text: $0.text.replacing("\n", with: "\r\n")) }
    let first = try revision(files)
    #expect(first.hasPrefix("sha256:"))
    #expect(try revision(files.reversed()) == first)
    #expect(try revision(elsewhere) == first)
    #expect(try revision(windows) == first)
  }

  @Test func `any other text, name or cut between files gives another`() throws {
    let files = Fixture.files(Self.rules)
    let bytes = PolicySet.canonicalBytes(of: files)
    for index in files.indices {
      var changed = files
      changed[index] = PolicyFile(path: files[index].path, text: files[index].text + "# a remark\n")
      #expect(PolicySet.canonicalBytes(of: changed) != bytes)
      changed[index] = PolicyFile(path: files[index].path.replacing(".yaml", with: "2.yaml"), text: files[index].text)
      #expect(PolicySet.canonicalBytes(of: changed) != bytes)
    }
    let one = [PolicyFile(path: "a", text: "x\nb\n1\ny")]
    let two = [PolicyFile(path: "a", text: "x\n"), PolicyFile(path: "b", text: "y")]
    #expect(PolicySet.canonicalBytes(of: one) != PolicySet.canonicalBytes(of: two))
    // A name with a whole file in it.
    let swallowed = [PolicyFile(path: "a\n2\nx\nb", text: "y")]
    #expect(PolicySet.canonicalBytes(of: swallowed) != PolicySet.canonicalBytes(of: two))
  }

  @Test func `tests are no part of the policy`() throws {
    let files = Fixture.files(Self.rules)
    let test = PolicyFile(path: "policies/pack.test.yaml", text: "whatever: [this is")
    #expect(try revision(files + [test]) == revision(files))
  }

  @Test func `the revision is in every decision`() throws {
    let policies = try Fixture.policies(Self.rules)
    #expect(policies.decide(Fixture.request()).revision == policies.revision)
    #expect(policies.decide(Fixture.request(purpose: "nonsense")).revision == policies.revision)
  }
}

import Residency
import Testing

struct ConfigurationNodeTests {
  private func parse(_ text: String) throws -> ConfigurationNode { try ConfigurationNode.parse(text, file: "f.yaml") }

  private func diagnostics(_ text: String) -> [Diagnostic] {
    do {
      _ = try ConfigurationNode.parse(text, file: "f.yaml")
      return []
    } catch {
      return error.diagnostics
    }
  }

  @Test func `a scalar keeps its text, so that NO is Norway and 1_0 is no number`() throws {
    var found: [Diagnostic] = []
    let fields = try parse("a: NO\nb: 1.10\nc: 'null'\nd: null\ne:").fields("it", optional: ["a", "b", "c", "d", "e"], &found)
    #expect(fields?["a"]?.string("a", &found) == "NO")
    #expect(fields?["b"]?.string("b", &found) == "1.10")
    #expect(fields?["c"]?.string("c", &found) == "null")
    #expect(found.isEmpty)
    for key in ["d", "e"] {
      #expect(fields?[key]?.string(key, &found) == nil)
    }
    #expect(found.map(\.message) == ["d must be text, not nothing", "e must be text, not nothing"])
  }

  @Test func `an unknown key is an error that names the key meant`() throws {
    var found: [Diagnostic] = []
    _ = try parse("region: a\nordnial: 2").fields("a region", required: ["region", "ordinal"], &found)
    #expect(
      found.map(\.description) == [
        "f.yaml:2:1: error: a region has no key 'ordnial'\n    help: did you mean 'ordinal'?",
        "f.yaml:1:1: error: a region lacks 'ordinal'\n    help: add 'ordinal: …'",
      ])
  }

  @Test func `a key that is given twice is an error`() {
    #expect(diagnostics("a: 1\na: 2").count == 1)
  }

  @Test func `every value knows its line and column`() throws {
    var found: [Diagnostic] = []
    let fields = try parse("a: 1\nb:\n  - x\n  - y\n").fields("it", optional: ["a", "b"], &found)
    let items = fields?["b"]?.items("b", &found)
    #expect(items?.map(\.location.description) == ["f.yaml:3:5", "f.yaml:4:5"])
  }

  @Test func `a value of the wrong kind is an error where it stands`() throws {
    var found: [Diagnostic] = []
    let fields = try parse("n: many\nl: { a: 1 }\nm: [1]\nd: 1e999").fields("it", optional: ["n", "l", "m", "d"], &found)
    #expect(fields?["n"]?.integer("n", &found) == nil)
    #expect(fields?["l"]?.items("l", &found) == nil)
    #expect(fields?["m"]?.pairs("m", &found) == nil)
    #expect(fields?["d"]?.double("d", &found) == nil)
    #expect(found.map(\.location.line) == [1, 2, 3, 4])
  }

  @Test func `a lone scalar counts as a list of one`() throws {
    var found: [Diagnostic] = []
    #expect(try parse("x").items("it", &found)?.count == 1)
  }

  @Test(arguments: ["a: [1", "a: b: c", "\t- x", "a: &x 1\nb: *y", "%BAD", "- a\nb: 1"])
  func `what is not YAML is an error with a place`(text: String) {
    let found = diagnostics(text)
    #expect(found.count == 1)
    #expect(found.first?.location.file == "f.yaml")
    #expect((found.first?.location.line ?? 0) >= 1)
  }

  @Test func `a document nested too deep is refused`() {
    let text = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
    #expect(diagnostics(text).first?.message.contains("nested") == true)
  }

  @Test func `an empty document is nothing`() throws {
    guard case .empty = try parse("").content else {
      Issue.record("not empty")
      return
    }
  }

  @Test func `errors are printed in the order of files and lines`() {
    let error = ConfigurationError([
      Diagnostic(at: SourceLocation(file: "b", line: 1, column: 1), "three"),
      Diagnostic(at: SourceLocation(file: "a", line: 10, column: 1), "two"),
      Diagnostic(at: SourceLocation(file: "a", line: 9, column: 3), "one", help: "do it"),
    ])
    #expect(error.description == "a:9:3: error: one\n    help: do it\na:10:1: error: two\nb:1:1: error: three")
  }
}

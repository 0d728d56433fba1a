import Testing

@testable import FaultLab

struct DocumentWritesTests {
  @Test func `all is left that nobody had read who wrote later, and nothing that somebody had`() {
    var writes = DocumentWrites()
    writes.wrote("a", over: [])
    writes.wrote("b", over: ["a"])
    writes.wrote("c", over: ["a"])
    #expect(writes.allows(["b", "c"]))
    #expect(!writes.allows(["b"]), "c is lost")
    #expect(!writes.allows(["a", "b", "c"]), "a is back")
    #expect(!writes.allows(["b", "c", "d"]), "nobody wrote that")
  }

  @Test func `what may have been written may be there or not, and so may what it was written over`() {
    var writes = DocumentWrites()
    writes.wrote("a", over: [])
    writes.mayHaveWritten("b", over: ["a"])
    for marks in [["a"], ["b"], ["a", "b"]] as [Set<String>] { #expect(writes.allows(marks)) }
    writes.wrote("c", over: ["b"])
    #expect(writes.allows(["c"]))
    #expect(!writes.allows(["b", "c"]))
  }

  @Test func `a write that its own region does not show is missed, unless somebody wrote over it`() {
    var writes = DocumentWrites()
    writes.wrote("a", over: [])
    writes.didNotShow("a")
    #expect(writes.missed == ["a"])
    writes.wrote("b", over: ["a"])
    #expect(writes.missed.isEmpty)
  }
}

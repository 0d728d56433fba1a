import Testing

@testable import Residency

struct VariableExpansionTests {
  private let environment = ["A": "1", "B_2": "two", "EMPTY": "", "DOLLAR": "${A}"]

  @Test(arguments: [
    ("", ""), ("plain", "plain"), ("${A}", "1"), ("x${A}y${B_2}z", "x1ytwoz"), ("${NO:-d}", "d"), ("${A:-d}", "1"),
    ("${EMPTY:-d}", "d"),
    ("${NO:-}", ""), ("${NO:-a:-b}", "a:-b"), ("$A $ $$", "$A $ $$"), ("${DOLLAR}", "${A}"), ("}${A}{", "}1{"),
  ])
  func `variables are filled in once`(text: String, expected: String) throws {
    #expect(try expandingVariables(in: text, from: environment) == expected)
  }

  @Test func `every variable that is missing is named`() {
    #expect(throws: VariableError.unset(["X", "EMPTY"])) {
      try expandingVariables(in: "${X}${A}${EMPTY}", from: environment)
    }
  }

  @Test(arguments: ["${", "${A", "${}", "${1A}", "${A-B}", "${A B}", "${:-d}", "a${A}b${"])
  func `a reference that names no variable is refused`(text: String) {
    #expect(throws: VariableError.malformed) { try expandingVariables(in: text, from: environment) }
  }
}

import Yams

extension SimulationScenario {
  /// Reads a scenario file.
  /// - Throws: `DecodingError`, with the place and what was expected there.
  package init(yaml text: String) throws {
    self = try YAMLDecoder().decode(SimulationScenario.self, from: text)
  }

  /// The scenario as a file, with what went wrong above it.
  package func yaml(about violations: [String]) throws -> String {
    let comment = violations.prefix(3).flatMap { $0.split(separator: "\n") }.map { "# \($0)\n" }.joined()
    return comment + (try YAMLEncoder().encode(self))
  }
}

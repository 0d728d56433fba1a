import Residency
import Testing

@testable import PolicyEngine

/// Every decision of a day as a table.
@Suite struct MatrixTests {
  private func outcome(_ matrix: PolicyMatrix, _ home: String, _ hop: String, _ cell: String) throws -> String? {
    let homeIndex = try #require(matrix.homes.firstIndex(of: home), "\(matrix.homes)")
    let hopIndex = try #require(matrix.hops.firstIndex(of: hop), "\(matrix.hops)")
    let cellIndex = try #require(matrix.cells.firstIndex(of: cell))
    let plane = try #require(matrix.planes.first { $0.home == homeIndex })
    let purpose = try #require(matrix.purposes.firstIndex(of: "support"))
    let number = plane.combinations[(hopIndex * matrix.cells.count + cellIndex) * matrix.purposes.count + purpose]
    guard number >= 0 else { return nil }
    return matrix.combinations[number].map { entry in
      (entry.condition.isEmpty ? "" : "\(entry.condition): ") + matrix.outcomes[entry.outcome].text
    }.joined(separator: "; ")
  }

  @Test func `each decision stands where its home and its recipient meet`() throws {
    let policies = try Fixture.policies(
      """
        - { id: near, permit: read, when: { locality: jurisdiction } }
        - { id: far, permit: read, when: { requester: US, class: profile, consent: explicit } }
        - { id: no, forbid: read, when: { requester: IN } }
      """)
    let matrix = PolicyMatrix(policies, on: Fixture.today, actions: [.read])
    #expect(try outcome(matrix, "DE+1", "same region", "people/profile") == "permitted")
    #expect(try outcome(matrix, "DE+1", "another region there", "people/profile") == "permitted")
    // From a part of a country to the whole: nobody knows whether it is the same.
    #expect(try outcome(matrix, "DE+1", "perhaps there", "people/profile") == "denied: no_matching_rule")
    #expect(try outcome(matrix, "DE+1", "DE+1", "people/profile") == "denied: no_matching_rule")
    #expect(
      try outcome(matrix, "DE+1", "US", "people/profile")
        == "no consent: denied: no_matching_rule; implied consent: denied: no_matching_rule; explicit consent: permitted")
    #expect(try outcome(matrix, "DE+1", "US", "people/health") == "denied: no_matching_rule")
    #expect(try outcome(matrix, "DE+1", "IN", "people/profile") == "denied: forbidden")
    #expect(try outcome(matrix, "US", "same region", "people/profile") == "denied: no_matching_rule")
  }

  @Test func `what homes have near them has one column for all, and every column is used`() throws {
    let policies = try Fixture.policies(
      "  - { id: a, permit: read, when: { requester: CA-QC } }\n  - { id: b, permit: read, when: { requester: [US, $eea] } }",
      home: "\"*\"")
    let matrix = PolicyMatrix(policies, on: Fixture.today, actions: [.read])
    #expect(matrix.hops.prefix(3) == ["same region", "another region there", "perhaps there"])
    #expect(Set(matrix.hops).count == matrix.hops.count, "\(matrix.hops)")
    #expect(matrix.hops.count <= matrix.homes.count + 5, "\(matrix.hops)")
    let width = matrix.cells.count * matrix.purposes.count
    for column in matrix.hops.indices {
      #expect(
        matrix.planes.contains { plane in plane.combinations[column * width..<(column + 1) * width].contains { $0 >= 0 } },
        "\(matrix.hops[column])")
    }
    // From the whole country to a part of it is near: no other place of that name is there for it.
    #expect(try outcome(matrix, "CA", "CA-QC", "people/profile") == "permitted")
  }
}

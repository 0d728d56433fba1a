/// All that decides how a simulation goes: the same scenario goes the same way each time, as long as the code is the same.
package struct SimulationScenario: Hashable, Sendable {
  /// Of everything that is left to chance: the network, the clients, crashes, clocks, who joins and leaves.
  package var seed: UInt64
  /// A region is restored from an old backup, and nobody tells it.
  package var restoresUnnoticed: Bool
  /// Clients write global documents, too.
  package var writesDocuments: Bool
  /// Links that never open, from the first region to the second; regions count from 1.
  package var cutForGood: [[Int]]
  /// A mistake made on purpose, to see that the checker finds it.
  package var fault: PlantedFault?

  package init(
    seed: UInt64, restoresUnnoticed: Bool = false, writesDocuments: Bool = false, cutForGood: [[Int]] = [],
    fault: PlantedFault? = nil
  ) {
    self.seed = seed
    self.restoresUnnoticed = restoresUnnoticed
    self.writesDocuments = writesDocuments
    self.cutForGood = cutForGood
    self.fault = fault
  }
}

extension SimulationScenario: Codable {
  private enum CodingKeys: String, CodingKey {
    case seed, fault
    case restoresUnnoticed = "restores_unnoticed"
    case writesDocuments = "writes_documents"
    case cutForGood = "cut_for_good"
  }

  package init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      seed: try values.decode(UInt64.self, forKey: .seed),
      restoresUnnoticed: try values.decodeIfPresent(Bool.self, forKey: .restoresUnnoticed) ?? false,
      writesDocuments: try values.decodeIfPresent(Bool.self, forKey: .writesDocuments) ?? false,
      cutForGood: try values.decodeIfPresent([[Int]].self, forKey: .cutForGood) ?? [],
      fault: try values.decodeIfPresent(PlantedFault.self, forKey: .fault))
    guard cutForGood.allSatisfy({ $0.count == 2 && $0.allSatisfy { $0 > 0 } }) else {
      throw DecodingError.dataCorruptedError(
        forKey: .cutForGood, in: values, debugDescription: "a link is two regions, as numbers from 1 on: [1, 2]")
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(seed, forKey: .seed)
    if restoresUnnoticed { try values.encode(true, forKey: .restoresUnnoticed) }
    if writesDocuments { try values.encode(true, forKey: .writesDocuments) }
    if !cutForGood.isEmpty { try values.encode(cutForGood, forKey: .cutForGood) }
    try values.encodeIfPresent(fault, forKey: .fault)
  }
}

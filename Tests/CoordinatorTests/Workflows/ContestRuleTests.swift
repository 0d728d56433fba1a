import ConnectRPC
import Directory
import Residency
import Testing

@testable import Coordinator

/// Whose agreement a contest needs.
@Suite struct ContestRuleTests {
  /// Accounts of one subject in regions by their ordinals.
  private func contest(_ homes: Int..., erased: Set<Int> = []) throws -> PlacementSet {
    let tag = try #require(SubjectTag([UInt8](repeating: 1, count: SubjectTag.byteCount)))
    let placements = try homes.map { number in
      let home = try #require(RegionOrdinal(number))
      let position = LogPosition(origin: home, incarnation: .first, seq: 1)
      return Placement(
        tag: tag, birth: position, epoch: .first, home: home, state: erased.contains(number) ? .erased : .active,
        position: position)
    }
    return try #require(PlacementSet(joining: placements))
  }

  @Test func `every other region that has an account has to agree`() throws {
    let call = try CallFixture.call()
    let set = try contest(1, 2, 3)
    let missing = try #require(set.refusal(agreed: ["us-east"], call))
    #expect(missing.reason == .subjectContested)
    #expect(missing.metadata["homes"] == "ap-south")
    #expect(set.refusal(agreed: ["us-east", "ap-south"], call) == nil)
    #expect(set.accounts(in: call.region.catalog, except: nil).map(\.rawValue) == ["ap-south", "eu-west", "us-east"])
  }

  @Test func `a region that is retired has no account any more, and nobody waits for its word`() throws {
    let call = try CallFixture.call(retired: ["ap-south"])
    let set = try contest(1, 2, 3)
    #expect(set.accounts(in: call.region.catalog, except: nil).map(\.rawValue) == ["eu-west", "us-east"])
    #expect(set.refusal(agreed: ["us-east"], call) == nil)
  }

  @Test func `where the catalog lacks a region that has an account, nothing is settled over its head`() throws {
    let call = try CallFixture.call()
    let refusal = try #require(try contest(1, 2, 9).refusal(agreed: ["us-east"], call))
    #expect(refusal.reason == .unknownRegion)
    #expect(refusal.code == .unavailable)
  }

  @Test func `an account that is erased has no say`() throws {
    let call = try CallFixture.call()
    #expect(try contest(1, 2, 3, erased: [3]).refusal(agreed: ["us-east"], call) == nil)
  }
}

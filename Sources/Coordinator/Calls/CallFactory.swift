import Cryptography
import Foundation
import PolicyEngine
import RegionStore
import Residency

/// Gives calls what they may not take themselves: the time, random numbers, their number, the policies in force.
final class CallFactory: Sendable {
  let region: RegionContext
  private let policies: PolicyHolder
  private let numbering: RequestNumbering

  init(region: RegionContext, policies: PolicyHolder, numbering: RequestNumbering) {
    self.region = region
    self.policies = policies
    self.numbering = numbering
  }

  func make(principal: Principal, asking: RegionDescriptor, deadline: ContinuousClock.Instant?) throws -> Call {
    let random = try SecureRandom.bytes(32)
    return Call(
      region: region, inForce: policies.inForce, principal: principal, asking: asking, now: Self.now,
      ticket: RequestTicket(numbering), id: Array(random.prefix(16)), salt: Array(random.suffix(16)),
      deadline: deadline)
  }

  private static var now: UInt64 { UInt64(Date().timeIntervalSince1970 * 1_000) }
}

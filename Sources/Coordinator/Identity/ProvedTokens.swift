import Foundation
import Synchronization

/// Tokens whose signature has been verified, so that a caller who shows one with every call has it verified once for each edition of
/// the issuer's keys. Its times are checked at every use.
final class ProvedTokens: Sendable {
  private struct Proof {
    let edition: IssuerKeys.Edition
    let principal: Principal
    let validity: Range<TimeInterval>
  }

  /// Beyond this all are forgotten, and verified again when they next come.
  private static let countMax = 4_096
  private let proofs = Mutex<[String: Proof]>([:])

  /// - Returns: `nil` where the token has to be verified: it is not known, or not valid at this time.
  func principal(of token: String, edition: IssuerKeys.Edition, leeway: TimeInterval, now: TimeInterval) -> Principal? {
    guard let proof = proofs.withLock({ $0[token] }), proof.edition === edition else { return nil }
    guard now >= proof.validity.lowerBound - leeway, now < proof.validity.upperBound + leeway else { return nil }
    return proof.principal
  }

  func keep(_ principal: Principal, of token: String, edition: IssuerKeys.Edition, validity: Range<TimeInterval>) {
    proofs.withLock { proofs in
      if proofs.count >= Self.countMax { proofs.removeAll() }
      proofs[token] = Proof(edition: edition, principal: principal, validity: validity)
    }
  }
}

package import Foundation
package import Residency
import X509

/// The development CA and token issuer: everything that three regions on one machine need to know each other and their apps.
///
/// Running it again keeps what is valid and renews what is not: what expires within 30 days, is damaged, was issued by another
/// CA, or lacks a name that the catalog now gives. Never for production: the CA's key lies beside what it signs.
package struct DevelopmentAuthority: Sendable {
  /// What is renewed ahead of its end.
  package static let renewalPeriod: Duration = .seconds(30 * 86400)
  static let authorityLifetime: Duration = .seconds(3650 * 86400)
  static let leafLifetime: Duration = .seconds(365 * 86400)

  /// One thing that was looked after.
  package struct Item: Sendable, Hashable {
    package enum Kind: String, Sendable { case authority, app, peer, issuer }
    package enum Outcome: String, Sendable { case created, kept, renewed }

    package let kind: Kind
    /// `nil` for what the regions share.
    package let region: RegionID?
    package let outcome: Outcome
    /// Why it was renewed.
    package let reason: String?
    /// The public file.
    package let path: String
    package let keyPath: String
    /// `nil` for the issuer, whose key does not expire.
    package let expires: Date?
  }

  package let state: StateFolder
  private let now: Date

  package init(state: StateFolder, now: Date = Date()) {
    self.state = state
    self.now = now
  }

  /// Makes or renews what is missing, and says what it did.
  /// - Parameter force: replaces everything, also what is valid. Tokens and connections of before are then refused.
  @discardableResult
  package func prepare(_ catalog: RegionCatalog, force: Bool = false) throws -> [Item] {
    let (authority, item) = try prepareAuthority(force: force)
    var items = [item]
    for region in catalog.members {
      for profile in [LeafProfile.app(region), .peer(region)] {
        items.append(try prepareLeaf(profile, authority: authority, force: force))
      }
    }
    items.append(try prepareIssuer(force: force))
    return items
  }

  private func prepareAuthority(force: Bool) throws -> (CertifiedKey, Item) {
    let files = state.authority
    func item(_ outcome: Item.Outcome, _ reason: String?, _ expires: Date) -> Item {
      Item(
        kind: .authority, region: nil, outcome: outcome, reason: reason, path: files.certificate, keyPath: files.key,
        expires: expires)
    }
    let existing = CertifiedKey.read(files)
    let flaw = force ? "forced" : existing?.flawAsAuthority(now: now, renewalPeriod: Self.renewalPeriod)
    if let existing, flaw == nil {
      try DurableFile.restrictToOwner(files.key)
      return (existing, item(.kept, nil, existing.certificate.notValidAfter))
    }
    let made = try CertifiedKey.makeAuthority(now: now, lifetime: Self.authorityLifetime)
    let wasThere = FileManager.default.fileExists(atPath: files.certificate)
    try made.write(to: files)
    let reason = wasThere ? flaw ?? "damaged" : nil
    return (made, item(wasThere ? .renewed : .created, reason, made.certificate.notValidAfter))
  }

  private func prepareLeaf(_ profile: LeafProfile, authority: CertifiedKey, force: Bool) throws -> Item {
    let files = profile.kind == .app ? state.appIdentity(of: profile.region) : state.peerIdentity(of: profile.region)
    func item(_ outcome: Item.Outcome, _ reason: String?, _ expires: Date) -> Item {
      Item(
        kind: profile.kind, region: profile.region, outcome: outcome, reason: reason, path: files.certificate, keyPath: files.key,
        expires: expires)
    }
    let existing = CertifiedKey.read(files)
    let flaw =
      force ? "forced" : existing?.flaw(as: profile, authority: authority, now: now, renewalPeriod: Self.renewalPeriod)
    if let existing, flaw == nil {
      try DurableFile.restrictToOwner(files.key)
      return item(.kept, nil, existing.certificate.notValidAfter)
    }
    let made = try authority.issue(profile, now: now, lifetime: Self.leafLifetime)
    let wasThere = FileManager.default.fileExists(atPath: files.certificate)
    try made.write(to: files)
    return item(wasThere ? .renewed : .created, wasThere ? flaw ?? "damaged" : nil, made.certificate.notValidAfter)
  }

  private func prepareIssuer(force: Bool) throws -> Item {
    func item(_ outcome: Item.Outcome, _ reason: String?) -> Item {
      Item(
        kind: .issuer, region: nil, outcome: outcome, reason: reason, path: state.issuerKeySet, keyPath: state.issuerKey,
        expires: nil)
    }
    if !force, let existing = existingIssuer() {
      try DurableFile.restrictToOwner(state.issuerKey)
      let keySet = existing.keySet.canonicalText + "\n"
      guard DurableFile.text(at: state.issuerKeySet) != keySet else { return item(.kept, nil) }
      try DurableFile.write([UInt8](keySet.utf8), to: state.issuerKeySet, access: .everyoneReads)
      return item(.renewed, "the key set did not fit the key")
    }
    let wasThere = FileManager.default.fileExists(atPath: state.issuerKey)
    let issuer = try TokenIssuer.make()
    try DurableFile.write([UInt8](issuer.privateKeyText.utf8), to: state.issuerKey, access: .ownerOnly)
    let keySet = issuer.keySet.canonicalText + "\n"
    try DurableFile.write([UInt8](keySet.utf8), to: state.issuerKeySet, access: .everyoneReads)
    return item(wasThere ? .renewed : .created, wasThere ? (force ? "forced" : "damaged") : nil)
  }

  private func existingIssuer() -> TokenIssuer? {
    do { return try TokenIssuer(state: state) } catch { return nil }
  }
}

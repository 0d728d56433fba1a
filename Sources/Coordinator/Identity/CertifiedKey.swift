import Crypto
import Foundation
import SwiftASN1
import X509

/// A P-256 key and the certificate for it.
struct CertifiedKey {
  let certificate: Certificate
  private let key: P256.Signing.PrivateKey

  /// Clocks of two machines may differ by this much when a certificate is new.
  private static let backdating: TimeInterval = 3600

  /// `nil` where a file is missing or damaged, or the two do not belong together.
  static func read(_ files: StateFolder.KeyPair) -> CertifiedKey? {
    guard let certificatePEM = DurableFile.text(at: files.certificate), let keyPEM = DurableFile.text(at: files.key) else {
      return nil
    }
    do {
      let certificate = try Certificate(pemEncoded: certificatePEM)
      let key = try P256.Signing.PrivateKey(pemRepresentation: keyPEM)
      guard certificate.publicKey == Certificate.PublicKey(key.publicKey) else { return nil }
      return CertifiedKey(certificate: certificate, key: key)
    } catch {
      return nil
    }
  }

  /// The key first: a certificate without its key is renewed, a key without its certificate is harmless.
  func write(to files: StateFolder.KeyPair) throws {
    try DurableFile.write([UInt8]((key.pemRepresentation + "\n").utf8), to: files.key, access: .ownerOnly)
    try DurableFile.write(
      [UInt8]((certificate.serializeAsPEM().pemString + "\n").utf8), to: files.certificate, access: .everyoneReads)
  }

  // MARK: Making

  static func makeAuthority(now: Date, lifetime: Duration) throws -> CertifiedKey {
    let key = P256.Signing.PrivateKey()
    let publicKey = Certificate.PublicKey(key.publicKey)
    // The serial number keeps the subjects of two development CAs apart: verifiers look an issuer up by its name.
    let serial = Certificate.SerialNumber()
    let suffix = serial.bytes.prefix(4).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    let subject = try DistinguishedName {
      OrganizationName("Domicile")
      CommonName("Domicile development CA \(suffix)")
    }
    let extensions = try Certificate.Extensions {
      Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
      Critical(KeyUsage(keyCertSign: true, cRLSign: true))
      SubjectKeyIdentifier(hash: publicKey)
    }
    let certificate = try Certificate(
      version: .v3, serialNumber: serial, publicKey: publicKey, notValidBefore: now.addingTimeInterval(-backdating),
      notValidAfter: now.addingTimeInterval(lifetime / .seconds(1)), issuer: subject, subject: subject,
      signatureAlgorithm: .ecdsaWithSHA256, extensions: extensions, issuerPrivateKey: Certificate.PrivateKey(key))
    return CertifiedKey(certificate: certificate, key: key)
  }

  /// Signs a certificate for a new key.
  func issue(_ profile: LeafProfile, now: Date, lifetime: Duration) throws -> CertifiedKey {
    let leafKey = P256.Signing.PrivateKey()
    let publicKey = Certificate.PublicKey(leafKey.publicKey)
    let subject = try DistinguishedName {
      OrganizationName("Domicile")
      CommonName("\(profile.region) \(profile.kind.rawValue)")
    }
    let authorityKeyIdentifier = try certificate.extensions.subjectKeyIdentifier?.keyIdentifier
    let extensions = try Certificate.Extensions {
      Critical(BasicConstraints.notCertificateAuthority)
      Critical(KeyUsage(digitalSignature: true))
      try ExtendedKeyUsage(profile.usages)
      SubjectAlternativeNames(profile.names)
      SubjectKeyIdentifier(hash: publicKey)
      AuthorityKeyIdentifier(keyIdentifier: authorityKeyIdentifier)
    }
    let leaf = try Certificate(
      version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: publicKey,
      notValidBefore: now.addingTimeInterval(-Self.backdating),
      notValidAfter: min(now.addingTimeInterval(lifetime / .seconds(1)), certificate.notValidAfter),
      issuer: certificate.subject, subject: subject, signatureAlgorithm: .ecdsaWithSHA256, extensions: extensions,
      issuerPrivateKey: Certificate.PrivateKey(key))
    return CertifiedKey(certificate: leaf, key: leafKey)
  }

  // MARK: Judging

  /// Why it cannot go on as the CA; `nil` where it can.
  func flawAsAuthority(now: Date, renewalPeriod: Duration) -> String? {
    guard case .some(.isCertificateAuthority) = constraints,
      certificate.publicKey.isValidSignature(certificate.signature, for: certificate)
    else { return "damaged" }
    return flawInTime(now: now, renewalPeriod: renewalPeriod)
  }

  /// Why it cannot go on as this certificate of this CA; `nil` where it can.
  func flaw(as profile: LeafProfile, authority: CertifiedKey, now: Date, renewalPeriod: Duration) -> String? {
    guard certificate.issuer == authority.certificate.subject,
      authority.certificate.publicKey.isValidSignature(certificate.signature, for: certificate)
    else { return "issued by another CA" }
    guard case .some(.notCertificateAuthority) = constraints, let names, Set(names) == Set(profile.names) else {
      return "its names have changed"
    }
    return flawInTime(now: now, renewalPeriod: renewalPeriod)
  }

  private func flawInTime(now: Date, renewalPeriod: Duration) -> String? {
    if certificate.notValidBefore > now { return "not valid yet" }
    if certificate.notValidAfter <= now { return "expired" }
    let remaining = certificate.notValidAfter.timeIntervalSince(now)
    return remaining < renewalPeriod / .seconds(1) ? "expires soon" : nil
  }

  private var constraints: BasicConstraints? {
    do { return try certificate.extensions.basicConstraints } catch { return nil }
  }

  private var names: SubjectAlternativeNames? {
    do { return try certificate.extensions.subjectAlternativeNames } catch { return nil }
  }
}

import Crypto
import Foundation
import Residency
import SwiftASN1
import Testing
import X509

@testable import Coordinator

struct PeerIdentityTests {
  private func certificate(_ names: [GeneralName], commonName: String = "peer", isAuthority: Bool = false) throws -> [UInt8] {
    let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
    let name = try DistinguishedName { CommonName(commonName) }
    let certificate = try Certificate(
      version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey, notValidBefore: Date(),
      notValidAfter: Date().addingTimeInterval(3600), issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
      extensions: try Certificate.Extensions {
        Critical(isAuthority ? BasicConstraints.isCertificateAuthority(maxPathLength: nil) : .notCertificateAuthority)
        if !names.isEmpty { SubjectAlternativeNames(names) }
      }, issuerPrivateKey: key)
    var serializer = DER.Serializer()
    try serializer.serialize(certificate)
    return serializer.serializedBytes
  }

  @Test func `the one URI names the region`() throws {
    let der = try certificate([.dnsName("localhost"), .uniformResourceIdentifier("spiffe://domicile/region/eu-west")])
    #expect(try PeerIdentity(certificate: der).region.rawValue == "eu-west")
  }

  @Test(arguments: [
    "spiffe://domicile/region/", "spiffe://domicile/region/EU-WEST", "spiffe://domicile/region/eu-west/",
    "spiffe://domicile/region/eu-west/x",
    "spiffe://domicile/region/eu-west?x", "spiffe://other/region/eu-west", "spiffe://domicile.evil/region/eu-west",
    "https://domicile/region/eu-west", "SPIFFE://domicile/region/eu-west", "spiffe://domicile/regions/eu-west", "eu-west", "",
    "spiffe://domicile/region/eu--west", "spiffe://domicile/region/eu-west ", "spiffe://domicile/region/../region/eu-west",
    "spiffe://domicile:443/region/eu-west", "spiffe://u@domicile/region/eu-west", "spiffe://domicile/region/eu%2dwest",
  ])
  func `any other URI is nobody`(uri: String) throws {
    let der = try certificate([.uniformResourceIdentifier(uri)])
    #expect(throws: PeerIdentity.Failure.notRegion) { try PeerIdentity(certificate: der) }
  }

  @Test func `no URI is nobody, whatever the subject and the host names say`() throws {
    let name = "spiffe://domicile/region/eu-west"
    for names in [[], [.dnsName("eu-west")], [.dnsName(name), .rfc822Name(name)]] as [[GeneralName]] {
      let der = try certificate(names, commonName: name)
      #expect(throws: PeerIdentity.Failure.uriCount(0)) { try PeerIdentity(certificate: der) }
    }
  }

  @Test func `two URIs are nobody, even if one is right`() throws {
    let right = GeneralName.uniformResourceIdentifier("spiffe://domicile/region/eu-west")
    for other in ["spiffe://domicile/region/us-east", "spiffe://domicile/region/eu-west", "https://a"] {
      let der = try certificate([right, .uniformResourceIdentifier(other)])
      #expect(throws: PeerIdentity.Failure.uriCount(2)) { try PeerIdentity(certificate: der) }
    }
  }

  @Test func `a CA is no region`() throws {
    let der = try certificate([.uniformResourceIdentifier("spiffe://domicile/region/eu-west")], isAuthority: true)
    #expect(throws: PeerIdentity.Failure.isAuthority) { try PeerIdentity(certificate: der) }
  }

  @Test func `what is not a certificate is refused`() throws {
    let der = try certificate([.uniformResourceIdentifier("spiffe://domicile/region/eu-west")])
    for bytes in [[], [0x30, 0x00], Array(der.dropLast(3)), der + [0]] as [[UInt8]] {
      #expect(throws: PeerIdentity.Failure.notCertificate) { try PeerIdentity(certificate: bytes) }
    }
  }

  @Test func `the development CA's peer certificates name their regions, and its app certificates name none`() throws {
    let scratch = try ScratchFolder()
    let state = StateFolder(scratch.path)
    try DevelopmentAuthority(state: state).prepare(CatalogFixture.catalog())
    for name in ["us-east", "eu-west"] {
      let region = try #require(RegionID(name))
      func der(_ path: String) throws -> [UInt8] {
        try PEMDocument(pemString: String(contentsOfFile: path, encoding: .utf8)).derBytes
      }
      #expect(try PeerIdentity(certificate: der(state.peerIdentity(of: region).certificate)).region == region)
      #expect(throws: PeerIdentity.Failure.uriCount(0)) {
        try PeerIdentity(certificate: der(state.appIdentity(of: region).certificate))
      }
    }
  }
}

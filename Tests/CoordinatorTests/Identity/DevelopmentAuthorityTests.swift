import Foundation
import Residency
import Testing

@testable import Coordinator

struct DevelopmentAuthorityTests {
  private let scratch: ScratchFolder
  private let state: StateFolder
  private let eu: RegionID
  private let us: RegionID

  init() throws {
    scratch = try ScratchFolder()
    state = StateFolder(scratch.path + "/state/")
    eu = try #require(RegionID("eu-west"))
    us = try #require(RegionID("us-east"))
  }

  @discardableResult
  private func prepare(_ catalog: RegionCatalog? = nil, at now: Date = Date(), force: Bool = false) throws
    -> [DevelopmentAuthority.Item]
  {
    try DevelopmentAuthority(state: state, now: now).prepare(catalog ?? CatalogFixture.catalog(), force: force)
  }

  private var leaves: [StateFolder.KeyPair] {
    [us, eu].flatMap { [state.appIdentity(of: $0), state.peerIdentity(of: $0)] }
  }

  private var everyFile: [String: String] {
    let paths = ([state.authority] + leaves).flatMap { [$0.certificate, $0.key] } + [state.issuerKey, state.issuerKeySet]
    return Dictionary(uniqueKeysWithValues: paths.map { ($0, DurableFile.text(at: $0) ?? "missing") })
  }

  @Test func `openssl verifies every certificate strictly, for what it is for`() throws {
    try prepare()
    for pair in leaves {
      try OpenSSLTool.run(
        "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", state.authority.certificate, pair.certificate)
    }
    try OpenSSLTool.run(
      "verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", state.authority.certificate,
      state.peerIdentity(of: eu).certificate)
    #expect(throws: OpenSSLTool.Failure.self) {
      try OpenSSLTool.run(
        "verify", "-purpose", "sslclient", "-CAfile", state.authority.certificate, state.appIdentity(of: eu).certificate)
    }
  }

  @Test func `another CA's certificates do not verify`() throws {
    try prepare()
    let other = StateFolder(scratch.path + "/other")
    try DevelopmentAuthority(state: other).prepare(CatalogFixture.catalog())
    #expect(throws: OpenSSLTool.Failure.self) {
      try OpenSSLTool.run("verify", "-CAfile", other.authority.certificate, state.peerIdentity(of: eu).certificate)
    }
  }

  @Test func `certificates name the hosts of the catalog, and peers their region`() throws {
    try prepare()
    let app = try OpenSSLTool.run("x509", "-in", state.appIdentity(of: eu).certificate, "-noout", "-ext", "subjectAltName")
    for name in ["DNS:localhost", "DNS:eu-west.localhost", "IP Address:127.0.0.1", "DNS:eu.example.com"] {
      #expect(app.contains(name))
    }
    #expect(!app.contains("URI:"))
    let peer = try OpenSSLTool.run("x509", "-in", state.peerIdentity(of: eu).certificate, "-noout", "-ext", "subjectAltName")
    for name in ["URI:spiffe://domicile/region/eu-west", "IP Address:192.0.2.7"] { #expect(peer.contains(name)) }
    #expect(!peer.contains("eu.example.com"))
  }

  @Test func `only the owner can read a key, and everyone a certificate`() throws {
    try prepare()
    func mode(_ path: String) throws -> Int? {
      (try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber)?.intValue
    }
    for pair in [state.authority] + leaves {
      #expect(try mode(pair.key) == 0o600)
      #expect(try mode(pair.certificate) == 0o644)
    }
    #expect(try mode(state.issuerKey) == 0o600)
    #expect(try mode(state.issuerKeySet) == 0o644)
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: state.authority.key)
    try prepare()
    #expect(try mode(state.authority.key) == 0o600)
  }

  @Test func `a second run keeps every file, and --force replaces every file`() throws {
    let first = try prepare()
    #expect(first.allSatisfy { $0.outcome == .created })
    #expect(first.count == 6)
    let files = everyFile
    #expect(!files.values.contains("missing"))
    #expect(try prepare().allSatisfy { $0.outcome == .kept && $0.reason == nil })
    #expect(everyFile == files)
    #expect(try prepare(force: true).allSatisfy { $0.outcome == .renewed })
    #expect(everyFile.allSatisfy { files[$0.key] != $0.value })
    #expect(try prepare().allSatisfy { $0.outcome == .kept })
  }

  @Test func `what expires within 30 days is renewed, and nothing earlier`() throws {
    let start = Date()
    try prepare(at: start)
    func outcomes(day: Double) throws -> [DevelopmentAuthority.Item.Outcome] {
      try prepare(at: start.addingTimeInterval(day * 86400)).map(\.outcome)
    }
    #expect(try outcomes(day: 334) == [.kept, .kept, .kept, .kept, .kept, .kept])
    #expect(try outcomes(day: 336) == [.kept, .renewed, .renewed, .renewed, .renewed, .kept])
    #expect(try outcomes(day: 3621) == [.renewed, .renewed, .renewed, .renewed, .renewed, .kept])
  }

  @Test func `a name that the catalog gives anew renews the certificates that lack it`() throws {
    try prepare()
    let items = try prepare(CatalogFixture.catalog(publicURL: "https://new.example.com"))
    let renewed = items.filter { $0.outcome == .renewed }
    #expect(renewed.map(\.path) == [state.appIdentity(of: eu).certificate])
    #expect(renewed.first?.reason == "its names have changed")
  }

  @Test func `what is damaged, foreign or lost is made anew`() throws {
    try prepare()
    let other = StateFolder(scratch.path + "/other")
    try DevelopmentAuthority(state: other).prepare(CatalogFixture.catalog())
    func replace(_ path: String, by text: String) throws { try Data(text.utf8).write(to: URL(filePath: path)) }
    func take(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }
    let (damaged, foreign, mismatched, lost) =
      (state.appIdentity(of: us), state.peerIdentity(of: us), state.appIdentity(of: eu), state.peerIdentity(of: eu))
    try replace(damaged.certificate, by: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    try replace(foreign.certificate, by: try take(other.peerIdentity(of: us).certificate))
    try replace(foreign.key, by: try take(other.peerIdentity(of: us).key))
    try replace(mismatched.key, by: try take(other.appIdentity(of: eu).key))
    try FileManager.default.removeItem(atPath: lost.certificate)
    try replace(state.issuerKeySet, by: "{}")
    let items = try prepare()
    #expect(items.map(\.outcome) == [.kept, .renewed, .renewed, .renewed, .created, .renewed])
    #expect(items[2].reason == "issued by another CA")
    #expect(try prepare().allSatisfy { $0.outcome == .kept })
  }

  @Test func `no half-written file is left behind`() throws {
    try prepare()
    let all = FileManager.default.enumerator(atPath: state.path)?.compactMap { $0 as? String } ?? []
    #expect(!all.isEmpty)
    #expect(!all.contains { $0.hasSuffix(".new") })
  }

  @Test func `the issuer of a prepared folder signs what its key set verifies`() async throws {
    try prepare()
    let issuer = try TokenIssuer(state: state)
    let keys = try await IssuerKeys(keySet: [UInt8]((DurableFile.text(at: state.issuerKeySet) ?? "").utf8))
    #expect(keys.candidates(id: issuer.keyID, algorithm: .edDSA).count == 1)
    #expect(throws: TokenIssuer.Failure.noKey(path: "\(scratch.path)/nowhere/issuer/key.pem")) {
      try TokenIssuer(state: StateFolder(scratch.path + "/nowhere"))
    }
  }
}

import Foundation
import NIOCore
import NIOEmbedded
import NIOSSL
import Residency
import Testing

@testable import Coordinator

/// The development certificates in real TLS handshakes, in memory.
struct MutualTLSTests {
  private let scratch: ScratchFolder
  private let state: StateFolder
  private let eu: RegionID
  private let us: RegionID

  init() throws {
    scratch = try ScratchFolder()
    state = StateFolder(scratch.path)
    eu = try #require(RegionID("eu-west"))
    us = try #require(RegionID("us-east"))
    try DevelopmentAuthority(state: state).prepare(CatalogFixture.catalog())
  }

  private func server(_ pair: StateFolder.KeyPair, requiringClient: Bool) throws -> NIOSSLServerHandler {
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: try NIOSSLCertificate.fromPEMFile(pair.certificate).map { .certificate($0) },
      privateKey: .privateKey(try NIOSSLPrivateKey(file: pair.key, format: .pem)))
    if requiringClient {
      configuration.certificateVerification = .noHostnameVerification
      configuration.trustRoots = .file(state.authority.certificate)
    }
    return NIOSSLServerHandler(context: try NIOSSLContext(configuration: configuration))
  }

  private func client(_ pair: StateFolder.KeyPair?, trusting authority: String, host: String) throws -> NIOSSLClientHandler {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.trustRoots = .file(authority)
    if let pair {
      configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(pair.certificate).map { .certificate($0) }
      configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: pair.key, format: .pem))
    }
    return try NIOSSLClientHandler(context: try NIOSSLContext(configuration: configuration), serverHostname: host)
  }

  /// Runs both ends against each other until neither has more to say, and a byte from client to server.
  /// - Returns: the certificate that the server saw.
  private func handshake(_ serverHandler: NIOSSLServerHandler, _ clientHandler: NIOSSLClientHandler) throws -> NIOSSLCertificate?
  {
    let server = EmbeddedChannel(handler: serverHandler)
    let client = EmbeddedChannel(handler: clientHandler)
    defer { for channel in [server, client] { close(channel) } }
    let address = try SocketAddress(unixDomainSocketPath: "/in-memory")
    server.connect(to: address, promise: nil)
    client.connect(to: address, promise: nil)
    client.writeAndFlush(ByteBuffer(string: "x"), promise: nil)
    var moved = true
    while moved {
      moved = false
      while let bytes = try client.readOutbound(as: ByteBuffer.self) {
        try server.writeInbound(bytes)
        moved = true
      }
      while let bytes = try server.readOutbound(as: ByteBuffer.self) {
        try client.writeInbound(bytes)
        moved = true
      }
    }
    let received = try server.readInbound(as: ByteBuffer.self)
    guard received == ByteBuffer(string: "x") else { throw HandshakeFailure() }
    return serverHandler.peerCertificate
  }

  /// The other end may be gone and never confirm the close: TLS waits for it until its time is over.
  private func close(_ channel: EmbeddedChannel) {
    channel.close(promise: nil)
    channel.embeddedEventLoop.advanceTime(by: .hours(1))
  }

  private struct HandshakeFailure: Error {}

  @Test func `two regions know each other by their certificates`() throws {
    let seen = try handshake(
      server(state.peerIdentity(of: eu), requiringClient: true),
      client(state.peerIdentity(of: us), trusting: state.authority.certificate, host: "localhost"))
    let der = try #require(try seen?.toDERBytes())
    #expect(try PeerIdentity(certificate: der).region == us)
  }

  @Test func `an app trusts a region under the name in its URL`() throws {
    _ = try handshake(
      server(state.appIdentity(of: eu), requiringClient: false),
      client(nil, trusting: state.authority.certificate, host: "eu.example.com"))
  }

  @Test func `a region's certificate does not serve under another's name`() throws {
    #expect(throws: (any Error).self) {
      try handshake(
        server(state.appIdentity(of: us), requiringClient: false),
        client(nil, trusting: state.authority.certificate, host: "eu.example.com"))
    }
  }

  @Test func `a peer of another CA, or none, does not get in`() throws {
    let other = StateFolder(scratch.path + "/other")
    try DevelopmentAuthority(state: other).prepare(CatalogFixture.catalog())
    for pair in [other.peerIdentity(of: us), nil] {
      #expect(throws: (any Error).self) {
        try handshake(
          server(state.peerIdentity(of: eu), requiringClient: true),
          client(pair, trusting: state.authority.certificate, host: "localhost"))
      }
    }
  }
}

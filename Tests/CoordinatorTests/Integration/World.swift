import AsyncHTTPClient
import AuditTrail
import ConnectRPC
import Coordinator
import Cryptography
import DomicileAPI
import DomicileTestKit
import FaultLab
import Foundation
import HTTPTypes
import NIOSSL
import Postgres
import Residency
import SwiftProtobuf
import Testing

@testable import RegionStore

/// Everything that runs whole regions. Tests of the nested suites share deployments; each uses subjects of its own.
@Suite enum Integration {}

extension RegionID {
  static let usEast = known("us-east")
  static let euWest = known("eu-west")
  static let apSouth = known("ap-south")

  private static func known(_ name: String) -> RegionID {
    guard let id = RegionID(name) else { preconditionFailure("\(name) is no region's name") }
    return id
  }
}

/// A deployment with the clients of those who call it. Lives as long as the process.
struct World: Sendable {
  let deployment: TestDeployment
  private let clients: [Door: ConnectClient]
  /// Knows nothing of Connect.
  let http: HTTPClient

  private struct Door: Hashable {
    let region: RegionID
    let codec: ConnectCodec
  }

  /// For tests that break nothing.
  static func shared() async throws -> World { try await sharedStart.value }
  private static let sharedStart = Task { try await World(TestDeployment.start()) }

  /// For tests that break something, one after the other, and repair it.
  static func fragile() async throws -> World { try await fragileStart.value }
  private static let fragileStart = Task { try await World(TestDeployment.start()) }

  /// Many tests open their connections at once, on two processors: a handshake may have to wait its turn.
  static let patient = {
    var limits = ClientLimits()
    limits.connectTimeout = .seconds(30)
    return limits
  }()

  init(_ deployment: TestDeployment) throws {
    self.deployment = deployment
    let trust = deployment.state.authority.certificate
    var limits = Self.patient
    limits.connectionsMax = 24
    var clients: [Door: ConnectClient] = [:]
    for region in deployment.catalog.regions {
      for codec in ConnectCodec.allCases {
        clients[Door(region: region.id, codec: codec)] = try ConnectClient(
          baseURL: region.coordinator.url.text, tls: ClientTLS(trustRootsPEMPath: trust), codec: codec, limits: limits)
      }
    }
    self.clients = clients
    var tls = TLSConfiguration.makeClientConfiguration()
    tls.trustRoots = .file(trust)
    http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: .init(tlsConfiguration: tls))
  }

  /// An app with a token of its own, at a region.
  /// - Parameter codec: how its messages are written.
  func app(
    _ region: RegionID, _ name: String = "app:test",
    purposes: [String] = ["service", "support", "billing", "analytics"], jurisdiction: String? = nil, codec: ConnectCodec = .proto
  ) async throws -> Caller {
    try caller(region, token: try await deployment.token(name, purposes: purposes, jurisdiction: jurisdiction), codec: codec)
  }

  func auditor(_ region: RegionID) async throws -> Caller {
    try caller(region, token: try await deployment.token("auditor:test", purposes: [], roles: [.auditor]), codec: .proto)
  }

  func `operator`(_ region: RegionID) async throws -> Caller {
    try caller(region, token: try await deployment.token("operator:test", purposes: [], roles: [.operator]), codec: .proto)
  }

  func caller(_ region: RegionID, token: String?, codec: ConnectCodec = .proto) throws -> Caller {
    Caller(client: try #require(clients[Door(region: region, codec: codec)]), region: region, token: token)
  }

  func url(_ region: RegionID) throws -> String { try #require(deployment.catalog[region]).coordinator.url.text }

  // MARK: What a region recorded

  /// The leaf at an index of a region's log, as it stands in its database.
  func event(_ region: RegionID, _ index: UInt64) async throws -> AuditEvent {
    let leaves = try await storedLeaves(region, "WHERE index = \(Self.rowStart)", [.int64(Int64(index))])
    let found = try #require(leaves.first { $0.index == index }, "\(region) has no leaf \(index)")
    return try AuditEvent(leaf: found.row.leaf())
  }

  /// The leaf that a refusal says it left.
  func event(of refusal: ConnectError) async throws -> AuditEvent {
    let region = try #require(refusal.metadata["receipt_region"].flatMap { RegionID($0) }, "no receipt: \(refusal)")
    return try await event(region, try #require(refusal.metadata["receipt_index"].flatMap { UInt64($0) }))
  }

  /// The leaves from an index on.
  func events(_ region: RegionID, from first: UInt64) async throws -> [AuditEvent] {
    try await storedLeaves(region, "WHERE index >= coalesce(\(Self.rowStart), 0)", [.int64(Int64(first))])
      .filter { $0.index >= first }.map { try AuditEvent(leaf: $0.row.leaf()) }
  }

  func logSize(_ region: RegionID) async throws -> UInt64 {
    let size = "SELECT coalesce(sum(octet_length(leaf_hash) / 32), 0)::bigint FROM audit_leaf"
    return UInt64(try await deployment.sql(region, size).first?.int64(0) ?? 0)
  }

  struct StoredLeaf {
    let index: UInt64
    let row: LeafRow
    let hash: [UInt8]
    /// As the head has it in the same snapshot.
    let logSize: Int64
  }

  /// The index of the row that holds the leaf at an index, or would: rows hold several.
  static let rowStart = "(SELECT max(index) FROM audit_leaf WHERE index <= $1::bigint)"

  /// A region's leaves as they stand in its database, in order.
  func storedLeaves(_ region: RegionID, _ condition: String = "", _ values: [PostgresValue] = []) async throws -> [StoredLeaf] {
    let all = "SELECT index, leaf, leaf_hash, (SELECT audit_size FROM head) FROM audit_leaf"
    return try await deployment.sql(region, "\(all) \(condition) ORDER BY index", values).flatMap { row in
      let pack = LeafPack(leaves: try row.bytes(1), hashes: try row.bytes(2))
      let (first, logSize) = (UInt64(try row.int64(0)), try row.int64(3))
      return zip(pack.rows, pack.leafHashes).enumerated().map { offset, leaf in
        StoredLeaf(index: first + UInt64(offset), row: LeafRow(bytes: leaf.0), hash: leaf.1, logSize: logSize)
      }
    }
  }

  /// Asserts that indexes are dense, that the head counts them, and that every leaf has its own hash.
  func expectDenseLog(_ region: RegionID, sourceLocation: Testing.SourceLocation = #_sourceLocation) async throws {
    let leaves = try await storedLeaves(region)
    for (position, leaf) in leaves.enumerated() {
      guard leaf.index == UInt64(position) else {
        Issue.record("\(region): leaf \(leaf.index) stands at place \(position)", sourceLocation: sourceLocation)
        return
      }
      #expect(try MerkleTree.leafHash(leaf.row.leaf()).bytes == leaf.hash, sourceLocation: sourceLocation)
    }
    if let last = leaves.last { #expect(last.logSize == Int64(leaves.count), sourceLocation: sourceLocation) }
  }

  // MARK: The auditors' program

  struct Outcome {
    let status: Int32
    let output: String
  }

  /// Runs `domicile-audit` against this deployment.
  func audit(_ arguments: String...) async throws -> Outcome {
    let token = deployment.path("auditor-token")
    try await deployment.token("auditor:test", purposes: [], roles: [.auditor]).write(
      toFile: token, atomically: true, encoding: .utf8)
    // Not by Foundation: a coordinator that another test starts at the same moment may inherit the pipe, and hold it open for good.
    let output = try await ChildProcess.run(
      [deployment.programs.audit] + arguments + ["--state", deployment.state.path, "--token", "@\(token)"],
      in: deployment.state.path)
    return Outcome(status: output.status, output: output.text)
  }

  /// Returns when the region's published checkpoint covers everything that it has recorded until now.
  func waitForCheckpoint(_ region: RegionID) async throws {
    try await deployment.regions.waitForCheckpoint(of: region, covering: try await logSize(region) - 1)
  }
}

/// Tries again until what is expected is so, for at most `limit`; the last attempt's word counts.
func eventually(
  within limit: Duration = .seconds(10), sourceLocation: Testing.SourceLocation = #_sourceLocation, _ what: String,
  _ condition: () async throws -> Bool
) async throws {
  let end = ContinuousClock.now + limit
  while true {
    if try await condition() { return }
    guard ContinuousClock.now < end else { break }
    try await Task.sleep(for: .milliseconds(20))
  }
  Issue.record("not within \(limit): \(what)", sourceLocation: sourceLocation)
}

/// The error that a call has to fail with.
func refusal<Answer>(
  of call: () async throws -> Answer, sourceLocation: Testing.SourceLocation = #_sourceLocation
) async throws -> ConnectError {
  do {
    let answer = try await call()
    return try #require(nil as ConnectError?, "answered: \(answer)", sourceLocation: sourceLocation)
  } catch let error as ConnectError {
    return error
  }
}

/// A subject id that no other test uses.
func freshSubject(_ name: String = "subject") -> String { "\(name)-\(UUID().uuidString.lowercased())" }

/// A fault that is there while `body` runs, and gone afterwards whatever comes of it.
func during<Answer>(
  _ fault: () async throws -> Void, undoing undo: () async throws -> Void, _ body: () async throws -> Answer
) async throws -> Answer {
  let result: Result<Answer, any Error>
  do {
    try await fault()
    result = .success(try await body())
  } catch {
    result = .failure(error)
  }
  try await undo()
  return try result.get()
}

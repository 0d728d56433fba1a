import AuditTrail
import ConnectRPC
import Cryptography
import DomicileAPI
import Foundation
import RegionStore
import Residency
import SwiftProtobuf

/// The region's log for auditors: events, checkpoint, proofs, and the folder of tiles by GET.
struct AuditService: Sendable {
  let gateway: Gateway
  let store: RegionStore
  let folder: LogFolder
  let checkpoints: CheckpointHolder

  private static let service = "domicile.v1.AuditService"
  /// Leaves that one call looks through for those that match; the page token leads on.
  private static let leavesSearchedMax = 20_000
  private static let leavesAtOnce = 1_000

  var methods: [UnaryMethod] {
    [
      UnaryMethod(Self.service, "ListEvents") { (request: Domicile_V1_ListEventsRequest, context: CallContext) in
        try await listEvents(request, context)
      },
      UnaryMethod(Self.service, "GetCheckpoint", noSideEffects: true) {
        (_: Domicile_V1_GetCheckpointRequest, context: CallContext) in
        try await requireAuditor(context)
        let note = try newestCheckpoint()
        return Domicile_V1_GetCheckpointResponse.with { $0.checkpoint = String(decoding: note, as: UTF8.self) }
      },
      UnaryMethod(Self.service, "GetInclusionProof", noSideEffects: true) {
        (request: Domicile_V1_GetInclusionProofRequest, context: CallContext) in
        try await requireAuditor(context)
        let proof = try inclusionProof(of: request.index)
        return Domicile_V1_GetInclusionProofResponse.with { $0.proof = String(decoding: proof, as: UTF8.self) }
      },
      UnaryMethod(Self.service, "GetSubjectPseudonyms") {
        (request: Domicile_V1_GetSubjectPseudonymsRequest, context: CallContext) in
        try await gateway.answer(GetSubjectPseudonyms.self, request, context, routing: .redirect)
      },
      ListStoredVersions(gateway: gateway, store: store).method,
    ]
  }

  /// The layout of C2SP tlog-tiles. Hash tiles are the published files; entries are read from the store's rows, so that whoever
  /// verifies checks the rows.
  var routes: [RawRoute] {
    [
      RawRoute("/checkpoint") { _, _, context in
        try await requireAuditor(context)
        return RawResponse(contentType: "text/plain; charset=utf-8", body: try newestCheckpoint())
      },
      RawRoute("/tile/**") { path, _, context in
        try await requireAuditor(context)
        return try await tile(path)
      },
    ]
  }

  @Sendable func requireAuditor(_ context: CallContext) async throws {
    let (call, _) = try await gateway.authenticate(context)
    do { try call.require(.auditor) } catch { throw error.connectError }
  }

  private func newestCheckpoint() throws -> [UInt8] {
    let note = checkpoints.current.note
    guard !note.isEmpty else {
      throw Refusal(.notFound, .eventUnknown, "Nothing has been recorded here yet, so there is no checkpoint.").connectError
    }
    return note
  }

  private func inclusionProof(of index: UInt64) throws -> [UInt8] {
    let note = try SignedNote(parsing: try newestCheckpoint())
    let checkpoint = try Checkpoint(parsing: note.text)
    guard index < UInt64(checkpoint.size) else {
      throw Refusal(
        .notFound, .eventUnknown,
        "The newest checkpoint covers \(checkpoint.size) events, and \(index) is not among them. A new one is a second away."
      ).connectError
    }
    let tiles = folder.tiles(InclusionProof.tilesNeeded(index: Int(index), size: checkpoint.size))
    guard let proof = try? InclusionProof(index: Int(index), treeSize: checkpoint.size, tiles: tiles) else {
      throw tilesMissing()
    }
    return TransparencyProof(index: Int(index), hashes: proof.hashes, checkpoint: note).bytes
  }

  private func tile(_ path: String) async throws -> RawResponse {
    guard let coordinate = TileCoordinate(path: String(path.drop { $0 == "/" })) else {
      return RawResponse(status: 404, text: "No tile has this path.\n")
    }
    let bytes: [UInt8]?
    if case .entries = coordinate.kind { bytes = try await entries(coordinate) } else { bytes = try hashes(coordinate) }
    guard let bytes else { return RawResponse(status: 404, text: "This tile is not there yet.\n") }
    return RawResponse(contentType: "application/octet-stream", body: bytes)
  }

  /// What is signed is there, or cannot be read: an auditor has to hear the difference.
  private func hashes(_ coordinate: TileCoordinate) throws -> [UInt8]? {
    if let bytes = folder.tile(coordinate) { return bytes }
    guard let held = held(coordinate) else { return nil }
    guard let wider = folder.tile(held) else { throw tilesMissing() }
    return Array(wider.prefix(coordinate.width * SHA256.byteCount))
  }

  private func tilesMissing() -> ConnectError {
    checkpoints.noteMissingTiles()
    return Refusal.tilesUnreadable(in: region).connectError
  }

  /// The tile as the newest checkpoint has it; `nil` where it has none, or a narrower one.
  private func held(_ coordinate: TileCoordinate) -> TileCoordinate? {
    let held = TileCoordinate(coordinate.kind, index: coordinate.index, treeSize: Int(clamping: checkpoints.size))
    return held.flatMap { coordinate.width <= $0.width ? $0 : nil }
  }

  private var region: String { gateway.calls.region.descriptor.id.rawValue }

  private func entries(_ coordinate: TileCoordinate) async throws -> [UInt8]? {
    // Also keeps the index from being so large that its first leaf has no number.
    guard held(coordinate) != nil else { return nil }
    let first = UInt64(coordinate.index) * UInt64(TileCoordinate.fullWidth)
    let leaves = try await leaves(from: first, count: coordinate.width)
    // A row that is gone shows as an empty entry at its index, not as a shift of all that follow.
    let found = Dictionary(leaves.map { ($0.index, $0.leaf) }, uniquingKeysWith: { first, _ in first })
    return try EntryBundle.encode((0..<coordinate.width).map { found[first + UInt64($0)] ?? [] })
  }

  private func logSize() async throws -> UInt64 {
    do {
      return try await store.auditSize()
    } catch {
      throw Refusal(error, region: region).connectError
    }
  }

  private func leaves(from first: UInt64, count: Int) async throws -> [StoredLeaf] {
    do {
      return try await store.leaves(from: first, count: count)
    } catch {
      throw Refusal(error, region: region).connectError
    }
  }

  private func listEvents(
    _ request: Domicile_V1_ListEventsRequest, _ context: CallContext
  ) async throws -> Domicile_V1_ListEventsResponse {
    try await requireAuditor(context)
    do {
      let size = try PageToken.size(request.pageSize)
      let token = try PageToken.position(in: request.pageToken)
      guard let first = token.isEmpty ? 0 : UInt64(token) else {
        throw Refusal(
          .invalidArgument, .invalidPageToken, "The page_token is not one that this service gave. Start again without it.")
      }
      let query = try await query(for: request, context)
      return try await search(query, from: first, size: size)
    } catch let refusal as Refusal {
      throw refusal.connectError
    }
  }

  private func query(for request: Domicile_V1_ListEventsRequest, _ context: CallContext) async throws -> AuditQuery {
    var query = AuditQuery()
    if !request.decision.isEmpty {
      guard let effect = AuditEvent.Effect(rawValue: request.decision) else {
        throw Refusal(.invalidArgument, .invalidArgument, "decision is 'allowed' or 'denied'.")
      }
      query.effect = effect
    }
    if !request.principal.isEmpty { query.principal = request.principal }
    guard !request.subjectID.isEmpty else { return query }
    let asked = Domicile_V1_GetSubjectPseudonymsRequest.with { $0.subjectID = request.subjectID }
    let answer = try await gateway.answer(GetSubjectPseudonyms.self, asked, context, routing: .redirect)
    query.pseudonyms = Set(answer.pseudonyms.compactMap { AuditPseudonym(period: $0.period, pseudonym: $0.pseudonym)?.code })
    return query
  }

  private func search(_ query: AuditQuery, from first: UInt64, size: Int) async throws -> Domicile_V1_ListEventsResponse {
    var response = Domicile_V1_ListEventsResponse()
    let logSize = try await logSize()
    for start in stride(from: first, to: logSize, by: Self.leavesAtOnce) {
      guard start - first < UInt64(Self.leavesSearchedMax) else {
        response.nextPageToken = PageToken.text(for: String(start))
        return response
      }
      for leaf in try await leaves(from: start, count: Self.leavesAtOnce) {
        let bytes = leaf.leaf
        guard matches(bytes, query) else { continue }
        response.events.append(
          .with {
            $0.index = leaf.index
            $0.leaf = Data(bytes)
            $0.leafHash = Data(leaf.hash)
          })
        guard response.events.count < size else {
          response.nextPageToken = PageToken.text(for: String(leaf.index + 1))
          return response
        }
      }
    }
    return response
  }

  /// A leaf that cannot be read is always shown: whoever asks has to see it.
  private func matches(_ leaf: [UInt8], _ query: AuditQuery) -> Bool {
    do { return query.matches(try AuditEvent(leaf: leaf)) } catch { return true }
  }
}

extension StoredLeaf {
  /// A row that gives no leaf was changed. It is shown as it is, and its hash is not the log's.
  fileprivate var leaf: [UInt8] {
    do { return try LeafRow(bytes: row).leaf() } catch { return row }
  }
}

extension Refusal {
  fileprivate static func tilesUnreadable(in region: String) -> Refusal {
    Refusal(
      .unavailable, .auditUnavailable,
      "The published tiles of \(region)'s log cannot be read now. They are made again from its store. Try again; if it lasts, its operator has to look at domicile_audit_unpublished_seconds.",
      metadata: ["region": region])
  }
}

import AuditTrail
import ConnectRPC
import Cryptography
import Foundation
import Logging
import RegionStore
import Residency

/// This region as a witness of the others' audit logs (C2SP tlog-witness): it cosigns a checkpoint of a log that only grew since it looked
/// last, and remembers what it cosigned, so that nobody who runs a log can rewrite what has been in it.
struct WitnessService: Sendable {
  let store: RegionStore
  let signer: NoteSigner
  /// The keys of the logs that it follows.
  let logs: [VerifierKey]
  let logger: Logger

  static let path = "/witness"
  /// Requests of one log are decided one after the other: one that was overtaken is decided again.
  private static let attemptsMax = 3

  /// For other regions.
  var peerRoutes: [RawRoute] {
    [
      RawRoute(post: "\(Self.path)/add-checkpoint") { body, context in try await answer(body, context) },
      RawRoute("\(Self.path)/**") { path, _, _ in try await seen(path) },
    ]
  }

  /// For auditors, who compare what a log shows to them with what its witnesses have seen.
  /// - Parameter authorize: throws where the caller is none.
  func auditorRoutes(_ authorize: @escaping @Sendable (CallContext) async throws -> Void) -> [RawRoute] {
    [
      RawRoute("\(Self.path)/**") { path, _, context in
        try await authorize(context)
        return try await seen(path)
      }
    ]
  }

  private func answer(_ body: [UInt8], _ context: CallContext) async throws -> RawResponse {
    let request: WitnessRequest
    let origin: KeyName
    do throws(FormatError) {
      request = try WitnessRequest(parsing: body)
      origin = try Checkpoint(parsing: request.checkpoint.text).origin
    } catch {
      return .init(.badRequest(error.description))
    }
    // What is kept of a log is kept under its name: nothing of one that is not followed.
    guard logs.contains(where: { $0.name == origin }) else { return .init(.unknownOrigin) }
    for _ in 0..<Self.attemptsMax {
      let head = try await head(of: origin)
      let answer = WitnessState(logs: logs, heads: head.map { [$0] } ?? []).consider(request)
      guard case .cosign(let next) = answer else {
        if let head, let problem = answer.problem { await keep(request, against: head, problem) }
        return .init(answer)
      }
      let isFirst = try await storing { () async throws(StoreError) in
        try await store.advance(
          origin.description, to: WitnessedHead(size: UInt64(next.size), note: next.note.bytes), from: UInt64(next.previousSize))
      }
      guard isFirst else { continue }
      let now = UInt64(Date().timeIntervalSince1970)
      return RawResponse(text: try signer.sign(next.note.text, time: now).line)
    }
    throw Refusal(.unavailable, .overloaded, "Other checkpoints of this log are being cosigned: try again.").connectError
  }

  /// `/witness/<hex sha256(origin)>/checkpoint`
  private func seen(_ path: String) async throws -> RawResponse {
    let words = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst(2)
    let origin = Set(logs.map(\.name)).first { SHA256.digest(of: $0.utf8).description == words.first.map { String($0) } }
    guard words.count == 2, words.last == "checkpoint", let origin, let head = try await head(of: origin) else {
      return RawResponse(status: 404, text: "This witness has seen no such log.\n")
    }
    return RawResponse(contentType: "text/plain; charset=utf-8", body: head.note.bytes)
  }

  private func head(of origin: KeyName) async throws -> WitnessState.Head? {
    let stored = try await storing { () async throws(StoreError) in try await store.witnessedHead(of: origin.description) }
    guard let stored else { return nil }
    let note = try SignedNote(parsing: stored.note)
    let checkpoint = try Checkpoint(parsing: note.text)
    return WitnessState.Head(origin: origin, size: checkpoint.size, root: checkpoint.root, note: note, previousSize: 0)
  }

  private func keep(_ request: WitnessRequest, against head: WitnessState.Head, _ problem: WitnessAnswer.Problem) async {
    let log = "\(head.origin)"
    do {
      let isNew = try await store.keepEvidence(
        against: log, note: request.checkpoint.bytes, hash: SHA256.hash(request.checkpoint.text), head: head.note.bytes,
        isProven: problem == .forked)
      guard isNew else { return }
      switch problem {
      case .forked:
        logger.critical(
          "a log has signed two trees of one size: both checkpoints are in the table witness_evidence",
          metadata: ["log": "\(log)"])
      case .unproven:
        logger.error(
          "a checkpoint was not shown to have grown from the one seen before: both are in the table witness_evidence",
          metadata: ["log": "\(log)"])
      }
    } catch {
      logger.error("what may show two histories of a log was not kept", metadata: ["log": "\(log)", "error": "\(error)"])
    }
  }

  private func storing<R: Sendable>(_ body: () async throws(StoreError) -> R) async throws -> R {
    do { return try await body() } catch { throw Refusal(error, region: signer.verifierKey.name.description).connectError }
  }
}

extension WitnessAnswer {
  fileprivate enum Problem { case forked, unproven }

  /// What it says of a log whose signature was good.
  fileprivate var problem: Problem? {
    switch self {
    case .conflict(_, isFork: true): .forked
    case .inconsistent: .unproven
    case .conflict, .cosign, .badRequest, .unknownOrigin, .badSignature: nil
    }
  }
}

extension RawResponse {
  fileprivate init(_ answer: WitnessAnswer) {
    self.init(status: answer.status, contentType: answer.contentType, text: answer.body)
  }
}

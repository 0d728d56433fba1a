import AuditTrail
import ConnectRPC
import Cryptography
import Directory
import DomicileAPI
import Foundation
import RegionStore
import Residency
import SwiftProtobuf

/// Passes a call on to the subject's home, and records here what came back before the app gets it.
struct Forwarder: Sendable {
  let peers: Peers
  let executor: Executor

  static let service = "domicile.peer.v1.PeerService"

  /// - Parameters:
  ///   - token: the app's own: the home verifies it again.
  ///   - trace: is told which of the directory's entries the call saw and wrote.
  ///   - acceptedAt: when the app called, in milliseconds since 1970 UTC, for a call that is passed on later. That the home is out of reach
  ///     is not recorded then: it is tried again.
  /// - Throws: ``ConnectError``: the home's own refusal, or why the home could not be asked, or why it could not be recorded.
  func forward<Procedure: SubjectProcedure>(
    _ procedure: Procedure, _ request: Procedure.Request, _ call: Call, to home: RegionDescriptor, epoch: Epoch?,
    token: String, trace: SessionTrace, acceptedAt: UInt64? = nil
  ) async throws -> Procedure.Response {
    let execute = try Domicile_Peer_V1_ExecuteRequest.with {
      $0.procedure = Procedure.name.description
      $0.request = try request.serializedData()
      $0.token = token
      $0.directoryEpoch = epoch?.rawValue ?? 0
      $0.acceptedAt = acceptedAt ?? 0
    }
    let answer: Domicile_Peer_V1_ExecuteResponse
    do {
      answer = try await ask(home, execute, call, mayHaveWritten: Procedure.writes)
    } catch {
      if acceptedAt != nil, error.reason == Reason.regionUnreachable.rawValue { throw error }
      var event = try event(procedure, call, home: home, reason: error.reason ?? error.code.rawValue)
      let told = error.metadata
      event.subject = AuditPseudonym(period: told[Self.periodKey] ?? "", pseudonym: told[Self.pseudonymKey] ?? "")
      event.counterpart = .init(metadata: told, region: home.id)
      _ = try await record(event, call)
      throw error.withoutPseudonym
    }
    trace.saw(answer.saw.compactMap(LogPosition.init))
    var response = try Procedure.Response(serializedBytes: answer.response)
    var event = try event(procedure, call, home: home, reason: nil)
    event.subject = AuditPseudonym(period: answer.pseudonymPeriod, pseudonym: answer.pseudonym)
    event.counterpart = .init(answer.receipt, region: home.id)
    do {
      response.attach(importReceipt: try await record(event, call))
    } catch {
      guard Procedure.writes else { throw error }
      throw Refusal.doneButNotRecorded(in: home.id, here: call.region.descriptor.id).connectError
    }
    return response
  }

  private func ask(
    _ home: RegionDescriptor, _ request: Domicile_Peer_V1_ExecuteRequest, _ call: Call, mayHaveWritten: Bool
  ) async throws(ConnectError) -> Domicile_Peer_V1_ExecuteResponse {
    guard let client = peers[home.id] else { throw Refusal.unreachable(home.id, mayHaveWritten: false).connectError }
    let timeout = call.deadline.map { max(.milliseconds(1), ContinuousClock.now.duration(to: $0)) }
    do {
      return try await client.call(Self.service, "Execute", request, timeout: timeout)
    } catch {
      guard error.isWithoutAnswer else { throw error }
      throw Refusal.unreachable(home.id, mayHaveWritten: mayHaveWritten).connectError
    }
  }

  private func event(
    _ procedure: some SubjectProcedure, _ call: Call, home: RegionDescriptor, reason: String?
  ) throws -> AuditEvent {
    var event = try call.event(type(of: procedure).activityAbroad, reason: reason)
    event.purpose = call.recordable(procedure.recordedPurpose)
    event.collection = call.recordable(procedure.recordedCollection)
    event.home = AuditEvent.Place(region: home.id, jurisdiction: home.jurisdiction)
    event.hops = call.auditHops(from: home)
    return event
  }

  private func record(_ event: AuditEvent, _ call: Call) async throws(ConnectError) -> Domicile_V1_Receipt {
    do { return try await executor.record(event, call) } catch { throw error.connectError }
  }

  static let pseudonymKey = "pseudonym"
  static let periodKey = "pseudonym_period"
}

extension AuditPseudonym {
  /// As the other side of a transfer told it; `nil` where it told none.
  init?(period: String, pseudonym: String) {
    guard let period = AuditPeriod(period), let bytes = [UInt8](hex: pseudonym), let code = SHA256Digest(bytes) else {
      return nil
    }
    self.init(period: period, code: code)
  }
}

extension AuditEvent.Counterpart {
  fileprivate init?(_ receipt: Domicile_V1_Receipt, region: RegionID) {
    guard receipt.region == region.rawValue else { return nil }
    self.init(region: region, index: receipt.index, leafHash: SHA256Digest([UInt8](receipt.leafHash)))
  }

  fileprivate init?(metadata: [String: String], region: RegionID) {
    guard metadata["receipt_region"] == region.rawValue else { return nil }
    let hash = metadata["receipt_leaf_hash"].flatMap { [UInt8](hex: $0) }.flatMap { SHA256Digest($0) }
    self.init(region: region, index: metadata["receipt_index"].flatMap { UInt64($0) }, leafHash: hash)
  }
}

extension ConnectError {
  /// The name under which a log speaks of a person is for logs: an app does not get it.
  fileprivate var withoutPseudonym: ConnectError {
    guard let reason, metadata[Forwarder.pseudonymKey] != nil else { return self }
    let kept = metadata.filter { $0.key != Forwarder.pseudonymKey && $0.key != Forwarder.periodKey }
    guard let retryDelay else { return ConnectError(code, reason: reason, message, metadata: kept) }
    return ConnectError(code, reason: reason, message, metadata: kept, retryDelay: retryDelay)
  }
}

extension Refusal {
  static func unreachable(_ home: RegionID, mayHaveWritten: Bool) -> Refusal {
    let advice =
      mayHaveWritten
      ? "If the call had reached it, it may have been carried out: repeat it later with the same request_id." : "Try again later."
    return Refusal(
      .unavailable, .regionUnreachable,
      "The subject is at home in \(home), which cannot be reached from here. Its data is nowhere else. \(advice)",
      metadata: ["home_region": home.rawValue])
  }

  fileprivate static func doneButNotRecorded(in home: RegionID, here: RegionID) -> Refusal {
    Refusal(
      .unavailable, .outcomeUnknown,
      "\(home) carried the call out and recorded it, but \(here) could not record that it asked. Repeat it with the same request_id.",
      metadata: ["home_region": home.rawValue])
  }
}

import AuditTrail
import ConnectRPC
import Cryptography
import DomicileAPI
import RegionStore
import Residency
import SwiftProtobuf

/// For auditors: at which versions the records are that this region stores, to be held against the leaves of its log. Asked at the region
/// itself and answered by it alone; each page is recorded before it is told. Which subjects they are, it says only by the log's own names.
struct ListStoredVersions: Sendable {
  let gateway: Gateway
  let store: RegionStore

  /// Coordinators of a region write the month of their own clock: around its turn one may be behind.
  private static let clockDifferenceMilliseconds: UInt64 = 3_600_000

  var method: UnaryMethod {
    UnaryMethod("domicile.v1.AuditService", "ListStoredVersions") {
      (request: Domicile_V1_ListStoredVersionsRequest, context: CallContext) in
      let (call, _) = try await gateway.authenticate(context)
      // It is about subjects, though about none in particular.
      call.ticket.number()
      do {
        return try await answer(request, call)
      } catch let error as StoreError {
        throw Refusal(error, ofReadIn: call.region.descriptor.id.rawValue).connectError
      } catch let refusal as Refusal {
        throw refusal.connectError
      }
    }
  }

  private func answer(
    _ request: Domicile_V1_ListStoredVersionsRequest, _ call: Call
  ) async throws -> Domicile_V1_ListStoredVersionsResponse {
    do throws(Refusal) { try call.require(.auditor) } catch {
      let receipt = try await record(call, error.reason)
      var refusal = error
      refusal.metadata.merge(receipt.metadata) { _, new in new }
      throw refusal
    }
    let size = try PageToken.size(request.pageSize)
    let position = try position(request.pageToken)
    let page = try await store.storedVersions(after: position, limit: size)
    let response = try response(page, call)
    // Read first: what cannot be recorded now, as by a primary that was deposed, is not told.
    _ = try await record(call, nil)
    return response
  }

  private func position(_ token: String) throws(Refusal) -> SubjectTag? {
    let text = try PageToken.position(in: token)
    guard !text.isEmpty else { return nil }
    guard let position = [UInt8](hex: text).flatMap(store.openPosition) else {
      throw Refusal(
        .invalidArgument, .invalidPageToken, "The page_token is not one that this service gave. Start again without it.")
    }
    return position
  }

  /// - Parameter reason: why it was refused; `nil` where it was not.
  private func record(_ call: Call, _ reason: Reason?) async throws -> Domicile_V1_Receipt {
    let here = call.region.descriptor
    var event = try call.event(.operate, reason: reason?.rawValue)
    event.operation = "list_stored_versions"
    event.home = AuditEvent.Place(region: here.id, jurisdiction: here.jurisdiction)
    event.hops = call.auditHops(from: here)
    return try await gateway.executor.record(event, call)
  }

  private func response(_ page: StoredVersionsPage, _ call: Call) throws -> Domicile_V1_ListStoredVersionsResponse {
    var response = Domicile_V1_ListStoredVersionsResponse()
    response.auditSize = page.auditSize
    response.subjects = try page.subjects.map { try message($0, call) }
    if let next = page.next { response.nextPageToken = PageToken.text(for: next.hex) }
    return response
  }

  private func message(
    _ subject: StoredVersions, _ call: Call
  ) throws -> Domicile_V1_ListStoredVersionsResponse.Subject {
    let difference = Self.clockDifferenceMilliseconds
    let start = subject.registeredAt > difference ? subject.registeredAt - difference : 0
    let periods = GetSubjectPseudonyms.periods(from: start, to: call.now + difference)
    let pseudonyms = try subject.named { tag, key in
      try periods.map { try AuditPseudonym(of: tag, auditKey: key, period: $0) }
    }
    var message = Domicile_V1_ListStoredVersionsResponse.Subject()
    message.pseudonyms = (pseudonyms ?? []).map { pseudonym in
      .with {
        $0.period = pseudonym.period.description
        $0.pseudonym = pseudonym.description
      }
    }
    for rows in subject.rows {
      if message.collections.last?.collection != rows.collection.rawValue {
        message.collections.append(.with { $0.collection = rows.collection.rawValue })
      }
      message.collections[message.collections.count - 1].rows.append(
        .with {
          $0.version = rows.version
          $0.count = rows.count
        })
    }
    message.frozen = subject.isFrozen
    message.cutShort = subject.isCutShort
    message.atHome = subject.home == .here
    message.leaving = subject.isLeaving
    switch subject.home {
    case .here: message.homeRegion = call.region.descriptor.id.rawValue
    case .elsewhere(let ordinal): message.homeRegion = call.region.catalog[ordinal]?.id.rawValue ?? "region \(ordinal)"
    case .nowhere: break
    }
    return message
  }
}

import ConnectRPC
import Directory
import DomicileAPI
import RegionStore
import Residency
import SwiftProtobuf

/// From this region's copy of the directory alone: answers while every other region is unreachable. Gives no personal data and
/// leaves no leaf.
struct LocateSubject: Sendable {
  let gateway: Gateway
  let store: RegionStore
  let contacts: PeerContacts

  var method: UnaryMethod {
    UnaryMethod("domicile.v1.SubjectService", "LocateSubject") {
      (request: Domicile_V1_LocateSubjectRequest, context: CallContext) in
      try await answer(request, context)
    }
  }

  private func answer(
    _ request: Domicile_V1_LocateSubjectRequest, _ context: CallContext
  ) async throws -> Domicile_V1_LocateSubjectResponse {
    let (call, _) = try await gateway.authenticate(context)
    do {
      let tag = try call.subject(request.subjectID)
      let set: PlacementSet?
      do { set = try await store.lookUp(tag) } catch { throw Refusal(error, region: call.region.descriptor.id.rawValue) }
      return try response(set, call)
    } catch let refusal as Refusal {
      throw refusal.connectError
    }
  }

  private func response(_ set: PlacementSet?, _ call: Call) throws(Refusal) -> Domicile_V1_LocateSubjectResponse {
    let region = call.region
    switch PlacementLookup(set, at: region.descriptor.ordinal) {
    case .local(let placement), .remote(_, let placement):
      guard let home = region.catalog[placement.home] else {
        throw Refusal(
          .unavailable, .unknownRegion,
          "The subject's home is region \(placement.home), which this region's catalog does not have.")
      }
      return .with {
        $0.homeRegion = home.id.rawValue
        $0.homeURL = home.coordinator.url.text
        $0.state = placement.state == .frozen ? .frozen : .active
        $0.evidence = evidence(placement, local: region.descriptor.ordinal)
      }
    case .contested(_, let siblings):
      return .with {
        $0.state = .contested
        $0.candidates = Set(siblings.compactMap { region.catalog[$0.home]?.id.rawValue }).sorted()
        $0.evidence = .with { $0.readLevel = .directoryCopy }
      }
    case .erased:
      throw Refusal(.notFound, .subjectErased, "The subject was erased.")
    case .unknown:
      throw .unknownSubject(in: region.descriptor.id)
    }
  }

  private func evidence(_ placement: Placement, local: RegionOrdinal) -> Domicile_V1_Evidence {
    .with {
      $0.readLevel = .directoryCopy
      $0.epoch = placement.epoch.rawValue
      if placement.position.origin != local, let age = contacts.age(of: placement.position.origin) {
        $0.directoryAge = .init(milliseconds: age)
      }
    }
  }
}

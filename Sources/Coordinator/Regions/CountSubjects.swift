import ConnectRPC
import DomicileAPI
import RegionStore
import Residency
import SwiftProtobuf

/// How many subjects are at home in a region: what has to move before it can be retired, or what is out of reach once it is lost.
struct CountSubjects: Sendable {
  let gateway: Gateway
  let store: RegionStore

  var method: UnaryMethod {
    UnaryMethod("domicile.v1.RegionService", "CountSubjects") {
      (request: Domicile_V1_CountSubjectsRequest, context: CallContext) in
      let (call, _) = try await gateway.authenticate(context)
      do {
        let here = call.region.descriptor
        let name = request.region.isEmpty ? here.id.rawValue : request.region
        try await gateway.executor.permit("count_subjects", about: name, to: [.operator], call)
        let region = try call.region(name)
        let count =
          region.id == here.id ? try await store.accountCount() : try await store.placementCount(at: region.ordinal)
        let pending = region.id == here.id ? try await store.workflowCount(.intent) : 0
        return Domicile_V1_CountSubjectsResponse.with {
          $0.subjects = UInt64(count)
          $0.pendingRegistrations = UInt64(pending)
        }
      } catch let error as StoreError {
        throw Refusal(error, region: call.region.descriptor.id.rawValue).connectError
      } catch let refusal as Refusal {
        throw refusal.connectError
      }
    }
  }
}

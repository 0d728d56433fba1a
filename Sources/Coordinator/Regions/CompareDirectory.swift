import ConnectRPC
import Cryptography
import Directory
import DomicileAPI
import Residency
import SwiftProtobuf

/// Where two regions' copies of the directory differ. It speaks of tags, regions, epochs and positions only; operators and auditors may
/// ask.
struct CompareDirectory: Sendable {
  let gateway: Gateway
  let tending: DirectoryTending

  var method: UnaryMethod {
    UnaryMethod("domicile.v1.RegionService", "CompareDirectory") {
      (request: Domicile_V1_CompareDirectoryRequest, context: CallContext) in
      let (call, _) = try await gateway.authenticate(context)
      let region: RegionDescriptor
      do throws(Refusal) {
        try await gateway.executor.permit(
          request.repair ? "repair_directory" : "compare_directory", about: request.region, to: [.operator, .auditor], call)
        region = try call.region(request.region)
      } catch {
        throw error.connectError
      }
      return response(try await tending.compare(with: region, repairs: request.repair), call)
    }
  }

  private func response(_ comparison: DirectoryComparison, _ call: Call) -> Domicile_V1_CompareDirectoryResponse {
    .with {
      $0.equal = comparison.isEqual
      $0.cutShort = comparison.isCutShort
      $0.repaired = UInt64(comparison.repaired)
      $0.bytes = UInt64(comparison.bytes)
      $0.differences = comparison.differences.map { difference in
        .with {
          $0.tag = difference.tag.description
          $0.verdict = .init(difference.verdict)
          $0.here = difference.here.map { describe($0, call) }
          $0.there = difference.there.map { describe($0, call) }
        }
      }
      $0.differences += comparison.documents.map { difference in
        .with {
          $0.tag = difference.id.tag(SHA256.hash).description
          $0.document = difference.id.description
          $0.verdict = .init(difference.verdict)
          $0.here = difference.here.siblings.map(describe)
          $0.there = difference.there.siblings.map(describe)
        }
      }
    }
  }

  private func describe(_ version: DocumentVersion) -> String {
    "\(version.value.map { "\($0.count) bytes" } ?? "deleted"), entry \(version.dot)"
  }

  private func describe(_ placement: Placement, _ call: Call) -> String {
    let home = call.region.catalog[placement.home]?.id.rawValue ?? "region \(placement.home)"
    return "home \(home), epoch \(placement.epoch.rawValue), \(placement.state.name), entry \(placement.position)"
  }
}

extension Domicile_V1_DirectoryDifference.Verdict {
  fileprivate init(_ verdict: DifferenceVerdict) {
    switch verdict {
    case .missingHere: self = .missingHere
    case .missingThere: self = .missingThere
    case .underWay: self = .underWay
    }
  }
}

import ConnectRPC
import DomicileAPI
import PolicyEngine
import Residency
import SwiftProtobuf

/// A dry run of policy: of places, classes and purposes, not of a person. Reads nothing and records nothing.
struct Decide: Sendable {
  let gateway: Gateway

  var method: UnaryMethod {
    UnaryMethod("domicile.v1.PolicyService", "Decide") { (request: Domicile_V1_DecideRequest, context: CallContext) in
      let (call, _) = try await gateway.authenticate(context)
      do { return try answer(request, call) } catch let refusal as Refusal { throw refusal.connectError }
    }
  }

  private func answer(_ request: Domicile_V1_DecideRequest, _ call: Call) throws(Refusal) -> Domicile_V1_DecideResponse {
    guard let action = request.action.isEmpty ? .read : Action(rawValue: request.action) else {
      let known = Action.allCases.map(\.rawValue).joined(separator: ", ")
      throw Refusal(.invalidArgument, .invalidArgument, "There is no action '\(request.action.prefix(64))'. Known: \(known).")
    }
    let home = request.homeRegion.isEmpty ? call.region.descriptor : try call.region(request.homeRegion)
    let asking = request.fromRegion.isEmpty ? call.region.descriptor : try call.region(request.fromRegion)
    let hops = AccessRequest.recipients(
      asking: Place(region: asking.id, jurisdiction: asking.jurisdiction),
      principalJurisdiction: try jurisdiction(request.principalJurisdiction, "principal_jurisdiction"))
    let residence = try jurisdiction(request.residence, "residence").map {
      Residence(country: $0.country, subdivision: $0.isSubdivision ? $0 : nil)
    }
    let decision = call.inForce.decide(
      AccessRequest(
        action: action, home: Place(region: home.id, jurisdiction: home.jurisdiction), hops: hops,
        collection: request.collection.isEmpty ? nil : CollectionName(request.collection),
        fields: request.fields.isEmpty ? nil : request.fields,
        purpose: request.purpose.isEmpty ? nil : Purpose(request.purpose),
        principal: request.principal.isEmpty ? call.principal.name : request.principal,
        consent: try consent(request.consent), residence: residence.map { .known($0) } ?? .unknown, now: call.today,
        wantsNearestPermit: true))
    return .with {
      $0.decision = call.message(decision, redactions: decision.redactions)
      $0.views = Dictionary(decision.fieldViews.map { ($0.field, $0.view.name) }, uniquingKeysWith: { first, _ in first })
    }
  }

  private func consent(_ text: String) throws(Refusal) -> Fact<ConsentKind?> {
    switch text {
    case "": return .unknown
    case "none": return .known(nil)
    default:
      guard let kind = ConsentKind(rawValue: text) else {
        throw Refusal(
          .invalidArgument, .invalidArgument, "consent is 'explicit', 'implied', 'none', or left out where it is not known.")
      }
      return .known(kind)
    }
  }

  private func jurisdiction(_ text: String, _ field: String) throws(Refusal) -> Jurisdiction? {
    guard !text.isEmpty else { return nil }
    guard let jurisdiction = Jurisdiction(text) else {
      throw Refusal(.invalidArgument, .invalidArgument, "\(field) is not a code of ISO 3166: write e.g. US, or CA-QC.")
    }
    return jurisdiction
  }
}

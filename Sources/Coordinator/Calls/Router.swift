import ConnectRPC
import Directory
import Residency

/// How the caller wants a call for a subject at home elsewhere to be answered (`Domicile-Routing`).
enum Routing: String, Sendable {
  /// This region asks the home, and records what it got.
  case forward
  /// The caller is told the home's address and asks there itself.
  case redirect
}

/// Where a call goes that this region cannot execute itself.
enum Route {
  case forward(RegionDescriptor, epoch: Epoch)
  case refuse(Refusal)
}

/// Decides where a call goes from what this region's copy of the directory says. A hint: the region it goes to decides everything
/// else itself, and says so where it is not the home.
struct Router {
  let catalog: RegionCatalog
  let local: RegionID
  let routing: Routing
  /// Regions that were asked about an unknown subject and did not answer.
  var silent: [RegionID] = []

  func route(_ lookup: PlacementLookup) -> Route {
    switch lookup {
    case .remote(let home, let placement):
      guard let region = catalog[home] else {
        return .refuse(
          Refusal(
            .unavailable, .unknownRegion,
            "The subject's home is region \(home), which this region's catalog does not have. Its operator has to update it."))
      }
      guard region.status.isMember else { return .refuse(.retired(region.id)) }
      guard routing == .forward else { return .refuse(redirect(to: region)) }
      return .forward(region, epoch: placement.epoch)
    case .unknown:
      return .refuse(.unknownSubject(in: local, silent: silent))
    case .erased:
      return .refuse(Refusal(.notFound, .subjectErased, "The subject was erased."))
    case .contested(_, let siblings):
      return .refuse(.contested(siblings, in: catalog))
    case .local:
      // The directory says "here" and the store says "not here": the store is right, the directory's entry is on its way.
      return .refuse(
        Refusal(
          .unavailable, .staleDirectory, "This region's directory and store do not agree on the subject yet. Try again.",
          metadata: ["region": local.rawValue]))
    }
  }

  private func redirect(to home: RegionDescriptor) -> Refusal {
    Refusal(
      .failedPrecondition, .wrongRegion, "The subject is at home in \(home.id). Ask there: \(home.coordinator.url).",
      metadata: ["home_region": home.id.rawValue, "home_url": home.coordinator.url.text])
  }
}

extension Refusal {
  /// Who was at home there is nowhere else, and is not given a new home by itself.
  static func retired(_ home: RegionID) -> Refusal {
    Refusal(
      .unavailable, .regionRetired,
      "The subject's home was \(home), which is retired. Its data is nowhere else, and no other region takes its place by itself.",
      metadata: ["home_region": home.rawValue])
  }

  static func notActive(_ region: RegionDescriptor) -> Refusal {
    Refusal(
      .failedPrecondition, .regionNotActive,
      "\(region.id) takes no new subjects: it is \(region.status.rawValue). Choose another home.",
      metadata: ["region": region.id.rawValue, "status": region.status.rawValue])
  }

  static func contested(_ siblings: [Placement], in catalog: RegionCatalog) -> Refusal {
    let homes = Set(siblings.map { catalog[$0.home]?.id.rawValue ?? "region \($0.home)" }).sorted().joined(separator: ",")
    return Refusal(
      .failedPrecondition, .subjectContested,
      "The subject was registered in several regions while they were apart (\(homes)). Each serves its own account; an operator has to resolve it.",
      metadata: ["homes": homes])
  }

  /// - Parameter silent: the regions that were asked and did not answer.
  static func unknownSubject(in region: RegionID, silent: [RegionID]) -> Refusal {
    guard !silent.isEmpty else {
      return Refusal(.notFound, .subjectUnknown, "No region knows of such a subject.", metadata: ["region": region.rawValue])
    }
    let names = silent.map(\.rawValue).joined(separator: ",")
    return Refusal(
      .notFound, .subjectUnknown,
      "No region that answers knows of such a subject. \(names) did not answer: if it may have been registered there, try again later.",
      metadata: ["region": region.rawValue, "silent_regions": names])
  }

  /// What a session has seen, this region cannot show.
  static func sessionNotReached(_ reached: DirectoryProgress.Reached, in region: RegionID) -> Refusal? {
    switch reached {
    case .reached: nil
    case .behind:
      Refusal(
        .unavailable, .staleDirectory,
        "\(region)'s directory is behind what this session has seen, and could not catch up in time. Try again, or ask another region.",
        metadata: ["region": region.rawValue])
    case .lost(let log):
      Refusal(
        .failedPrecondition, .historyLost,
        "What this session has seen was lost when region \(log.origin) was restored from a backup. Leave \(DirectorySession.header) out to begin anew.",
        metadata: ["region": region.rawValue])
    }
  }
}

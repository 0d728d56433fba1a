import ConnectRPC
import Directory
import DomicileAPI
import RegionStore
import Residency
import SwiftProtobuf

/// Which region is home. From this region's copy of the directory alone where that knows the subject and no more was asked for, so that it
/// answers while every other region is unreachable. Gives no personal data and leaves no leaf.
struct LocateSubject: Sendable {
  let gateway: Gateway
  let directory: DirectoryReading
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
    let trace = try directory.trace(of: context)
    defer { directory.conclude(trace, context) }
    let (call, _) = try await gateway.authenticate(context)
    do {
      let tag = try call.subject(request.subjectID)
      let level = try DirectoryReading.Level(request.level)
      return try response(try await directory.find(tag, at: level, trace, call), level, call)
    } catch let refusal as Refusal {
      throw refusal.connectError
    }
  }

  private func response(
    _ found: DirectoryReading.Found, _ level: DirectoryReading.Level, _ call: Call
  ) throws(Refusal) -> Domicile_V1_LocateSubjectResponse {
    let region = call.region
    switch PlacementLookup(found.set, at: region.descriptor.ordinal) {
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
        $0.evidence = evidence(found, level)
        $0.evidence.epoch = placement.epoch.rawValue
        if level == .one, placement.position.origin != region.descriptor.ordinal,
          let age = contacts.age(of: placement.position.origin)
        {
          $0.evidence.directoryAge = .init(milliseconds: age)
        }
      }
    case .contested(_, let siblings):
      return .with {
        $0.state = .contested
        $0.candidates = Set(siblings.compactMap { region.catalog[$0.home]?.id.rawValue }).sorted()
        $0.evidence = evidence(found, level)
      }
    case .erased:
      throw Refusal(.notFound, .subjectErased, "The subject was erased.")
    case .unknown:
      throw .unknownSubject(in: region.descriptor.id, silent: found.silent)
    }
  }

  private func evidence(_ found: DirectoryReading.Found, _ level: DirectoryReading.Level) -> Domicile_V1_Evidence {
    .with {
      switch level {
      case .one: $0.readLevel = .directoryCopy
      case .quorum: $0.readLevel = .directoryQuorum
      case .all: $0.readLevel = .directoryAll
      case .home: $0.readLevel = .linearizable
      }
      if level != .home { $0.regions = UInt32(found.regions) }
    }
  }
}

extension DirectoryReading.Level {
  init(_ level: Domicile_V1_LocateSubjectRequest.Level) throws(Refusal) {
    switch level {
    case .unspecified, .one: self = .one
    case .quorum: self = .quorum
    case .all: self = .all
    case .home: self = .home
    case .UNRECOGNIZED(let number):
      throw Refusal(.invalidArgument, .invalidArgument, "There is no level \(number): ONE, QUORUM, ALL or HOME.")
    }
  }

  init(_ level: Domicile_V1_RegisterSubjectRequest.Level) throws(Refusal) {
    switch level {
    // What can be done here at once needs no note.
    case .unspecified, .one, .any: self = .one
    case .quorum: self = .quorum
    case .all: self = .all
    case .UNRECOGNIZED(let number):
      throw Refusal(.invalidArgument, .invalidArgument, "There is no level \(number): ANY, ONE, QUORUM or ALL.")
    }
  }
}

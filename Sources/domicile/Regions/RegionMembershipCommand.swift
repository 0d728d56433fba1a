import ArgumentParser
import ConfigurationFiles
import Coordinator
import DomicileAPI
import Foundation
import Residency
import SwiftProtobuf

/// What `join`, `drain` and `retire` share: they look at the deployment as it runs, then change one word in a region's file.
struct MembershipOptions: ParsableArguments {
  @Argument(help: "The region, by its name in the region files.")
  var name: String

  @OptionGroup var api: APIOptions

  /// - Throws: where the files have no such region.
  func load() throws -> (catalog: RegionCatalog, region: RegionDescriptor) {
    do {
      let catalog = try RegionFiles.catalog(api.regions, stores: .none)
      guard let id = RegionID(name), let region = catalog[id] else {
        let known = catalog.regions.map(\.id.rawValue)
        let hint = nearest(name, in: known).map { "Did you mean '\($0)'?" } ?? "Known: \(known.joined(separator: ", "))."
        throw ValidationError("There is no region '\(name)' in \(api.regions). \(hint)")
      }
      return (catalog, region)
    } catch let error as ConfigurationError {
      printError(error.description)
      throw ExitCode(1)
    }
  }

  func call<R>(_ region: RegionDescriptor, _ body: (APIClient) async throws -> R) async throws -> R {
    var api = api
    api.region = region.id.rawValue
    return try await api.run(as: [.operator], body)
  }

  func regions(seenBy region: RegionDescriptor) async throws -> [Domicile_V1_Region] {
    let response: Domicile_V1_ListRegionsResponse = try await call(region) {
      try await $0.call("RegionService/ListRegions", Domicile_V1_ListRegionsRequest())
    }
    return response.regions
  }

  /// - Parameter home: by the directory copy of `region`, or by its own store where it is the same.
  func count(at home: RegionDescriptor, seenBy region: RegionDescriptor) async throws -> Domicile_V1_CountSubjectsResponse {
    try await call(region) {
      try await $0.call(
        "RegionService/CountSubjects", Domicile_V1_CountSubjectsRequest.with { $0.region = home.id.rawValue })
    }
  }

  func set(_ status: RegionDescriptor.Status, of region: RegionDescriptor, _ done: String) throws {
    let path: String
    do { path = try RegionFileEditor.set(status, of: region, in: api.regions) } catch let error as ConfigurationError {
      printError(error.description)
      throw ExitCode(1)
    }
    if api.json {
      print(JSONValue.object(["region": .string(region.id.rawValue), "status": .string(status.rawValue)]).canonicalText)
    } else {
      print(done)
      print("\(path) says so now. Give the file to every region, and restart their coordinators one after the other.")
    }
  }

  /// A refusal of the command itself: what is in the way.
  func refuse(_ why: String) -> ExitCode {
    printError("error: \(why)")
    return ExitCode(5)
  }
}

/// `domicile region join`
struct RegionJoinCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "join", abstract: "Make a joining region active, once it holds the directory as the others do.",
    discussion: """
      Give every region a file of the new one with 'status: joining', restart their coordinators, and start its own: it takes over the \
      directory by itself. This command waits until it holds all logs and its copy compares equal with every member's, then sets \
      'status: active'. Exit code 5 where that is not so in time.
      """)

  @OptionGroup var options: MembershipOptions

  @Option(help: "For how many seconds to wait.")
  var wait = 600

  func run() async throws {
    let (catalog, region) = try options.load()
    guard region.status == .joining else {
      throw options.refuse(
        "\(region.id) is \(region.status.rawValue), not joining. A new region's file says 'status: joining' first.")
    }
    let members = catalog.counted.filter { $0.id != region.id }
    let end = ContinuousClock.now + .seconds(wait)
    var told = ""
    while true {
      let missing = try await missing(region, members)
      guard let first = missing.first else { break }
      if first != told { printError("· \(first)") }
      told = first
      guard .now < end else { throw options.refuse("not within \(wait) seconds: \(missing.joined(separator: "; "))") }
      try await Task.sleep(for: .seconds(1))
    }
    try options.set(.active, of: region, "\(region.id) holds the directory as \(members.count) members do, and is active.")
  }

  private func missing(_ region: RegionDescriptor, _ members: [RegionDescriptor]) async throws -> [String] {
    let seen = try await options.regions(seenBy: region)
    var missing: [String] = []
    for member in members {
      guard let state = seen.first(where: { $0.id == member.id.rawValue }) else {
        missing.append("\(region.id) has no file of \(member.id)")
        continue
      }
      if state.health != .reachable {
        missing.append("\(region.id) does not reach \(member.id)")
      } else if state.directoryLag > 0 {
        missing.append("\(region.id) has yet to take \(state.directoryLag) entries of \(member.id)")
      }
    }
    guard missing.isEmpty else { return missing }
    for member in members {
      let comparison: Domicile_V1_CompareDirectoryResponse = try await options.call(region) {
        try await $0.call(
          "RegionService/CompareDirectory", Domicile_V1_CompareDirectoryRequest.with { $0.region = member.id.rawValue })
      }
      if !comparison.equal, comparison.cutShort || comparison.differences.contains(where: { $0.verdict != .underWay }) {
        missing.append("the copies of \(region.id) and \(member.id) differ")
      }
    }
    return missing
  }
}

/// `domicile region drain`
struct RegionDrainCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "drain", abstract: "Let a region take no new subjects, so that it can be retired once the last has moved.",
    discussion: """
      Sets 'status: draining'. Those at home there are served as before until they have moved; 'domicile region retire' waits for the last.
      """)

  @OptionGroup var options: MembershipOptions

  func run() async throws {
    let (_, region) = try options.load()
    guard region.status == .active || region.status == .joining else {
      throw options.refuse("\(region.id) is \(region.status.rawValue) already.")
    }
    let subjects = try await options.count(at: region, seenBy: region).subjects
    try options.set(
      .draining, of: region,
      "\(region.id) takes no new subjects. \(subjects) are at home there, and have to move before it can be retired.")
  }
}

/// `domicile region retire`
struct RegionRetireCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "retire", abstract: "Take a region out of the deployment: one that is drained, or one that is lost for good.",
    discussion: """
      A drained region is retired once nobody is at home there and every member holds its log to the end. With --lost, a region that will \
      never answer again is retired as it is: who was at home there stays unavailable, and is never given another home by itself. \
      Exit code 5 where something is in the way.
      """)

  @OptionGroup var options: MembershipOptions

  @Flag(help: "It is lost for good: it does not answer, and its subjects are unavailable.")
  var lost = false

  func run() async throws {
    let (catalog, region) = try options.load()
    guard region.status != .retired else { throw options.refuse("\(region.id) is retired already.") }
    let members = catalog.members.filter { $0.id != region.id }
    guard let member = members.first(where: { $0.status == .active }) else {
      throw options.refuse("\(region.id) is the last region.")
    }
    if lost { return try await retireLost(region, members, asking: member) }
    guard region.status == .draining else {
      throw options.refuse("\(region.id) is \(region.status.rawValue). Drain it first: domicile region drain \(region.id).")
    }
    // What counts is what the coordinators run with, not what the file says.
    for asked in [region] + members {
      let seen = try await options.regions(seenBy: asked).first { $0.id == region.id.rawValue }
      guard seen?.status == RegionDescriptor.Status.draining.rawValue else {
        throw options.refuse(
          "the coordinators of \(asked.id) do not know yet that \(region.id) is draining: give them the file, and restart them.")
      }
    }
    let count = try await options.count(at: region, seenBy: region)
    guard count.subjects == 0 else {
      throw options.refuse("\(count.subjects) subjects are at home in \(region.id). They have to move first.")
    }
    guard count.pendingRegistrations == 0 else {
      throw options.refuse(
        "\(region.id) has yet to pass on \(count.pendingRegistrations) registrations that it accepted for other regions. Try again."
      )
    }
    for member in members {
      let seen = try await options.regions(seenBy: member).first { $0.id == region.id.rawValue }
      guard let seen, seen.health == .reachable else {
        throw options.refuse("\(member.id) does not reach \(region.id), so it may lack the end of its log.")
      }
      guard seen.directoryLag == 0 else {
        throw options.refuse("\(member.id) has yet to take \(seen.directoryLag) entries of \(region.id). Try again.")
      }
    }
    try options.set(.retired, of: region, "\(region.id) is retired: all \(members.count) members hold its log to the end.")
  }

  private func retireLost(
    _ region: RegionDescriptor, _ members: [RegionDescriptor], asking member: RegionDescriptor
  ) async throws {
    guard try await !options.api.answers(region.coordinator.url.text) else {
      throw options.refuse("\(region.id) answers, so it is not lost. Drain it, or stop it first.")
    }
    for member in members {
      let seen = try await options.regions(seenBy: member).first { $0.id == region.id.rawValue }
      guard seen?.health != .reachable else {
        throw options.refuse("\(member.id) has heard from \(region.id) within seconds, so it is not lost.")
      }
    }
    let subjects = try await options.count(at: region, seenBy: member).subjects
    try options.set(
      .retired, of: region, "\(region.id) is retired as lost. \(subjects) subjects were at home there, and are unavailable.")
  }
}

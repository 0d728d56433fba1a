import ArgumentParser
import AuditTrail
import Cryptography
import Residency

extension OutputFormat: ExpressibleByArgument {}

struct Query: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "List events that match, from logs that are verified on the way.")

  @OptionGroup var options: LogOptions
  @OptionGroup var proofs: EventProofs

  @Option(help: "Events about this subject.")
  var subject: String?

  @Option(help: "Events that this caller asked for.")
  var principal: String?

  @Option(help: "allow or deny.")
  var decision: Decision?

  @Flag(help: "Events that a policy in monitor would have decided otherwise.")
  var monitored = false

  @Option(help: ArgumentHelp("Events about subjects at home in this region.", valueName: "region"))
  var fromRegion: String?

  @Option(help: ArgumentHelp("Events that this region asked for.", valueName: "region"))
  var toRegion: String?

  @Option(
    help: ArgumentHelp("Events since then: 2026-11-22, or 2026-11-22T13:00Z. UTC.", valueName: "time"), transform: UTCTime.option)
  var since: UTCTime?

  @Option(help: "table, json or csv.")
  var format: OutputFormat = .table

  @Flag(help: "The same as --format json.")
  var json = false

  enum Decision: String, ExpressibleByArgument, CaseIterable { case allow, deny }

  func validate() throws {
    _ = try query()
    _ = try subjectID(subject)
  }

  private func query() throws -> AuditQuery {
    var query = AuditQuery()
    query.effect = decision.map { $0 == .deny ? .denied : .allowed }
    query.isMonitored = monitored ? true : nil
    query.principal = principal
    query.fromRegion = try region(fromRegion)
    query.toRegion = try region(toRegion)
    query.since = since
    return query
  }

  private func region(_ name: String?) throws -> RegionID? {
    guard let name else { return nil }
    guard let region = RegionID(name) else { throw ValidationError("'\(name)' is no name of a region.") }
    return region
  }

  func run() async throws {
    let logs = try await options.withClient { client in
      let targets = try options.targets(client)
      var query = try query()
      if let subject = try subjectID(subject) { query.pseudonyms = try await options.naming(client).codes(of: subject) }
      var logs: [ReadLog] = []
      for target in targets { logs.append(try await proofs.write(try await target.find(query, remembered: options.remember))) }
      return logs
    }
    try EventTable.show(logs, json ? .json : format, nobody: "no event matches", isAboutSubject: subject != nil, proofs)
    throw ExitCode(logs.exit.rawValue)
  }
}

func subjectID(_ text: String?) throws -> SubjectID? {
  guard let text else { return nil }
  guard let subject = SubjectID(text) else {
    throw ValidationError("A subject id has 1 to 256 bytes and no control characters.")
  }
  return subject
}

extension [any LogSource] {
  /// The codes of the subject's pseudonyms, from whichever of these knows them.
  func codes(of subject: SubjectID) async throws -> Set<SHA256Digest> {
    var codes: Set<SHA256Digest> = []
    for source in self { codes.formUnion(try await source.pseudonyms(of: subject).map(\.code)) }
    return codes
  }
}

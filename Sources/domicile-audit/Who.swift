import ArgumentParser
import AuditTrail

struct Who: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List every disclosure of a subject's data, and every refusal.",
    discussion: """
      The log names nobody. A region that still holds the subject's audit key says under which pseudonyms the log speaks of \
      it; once the subject is erased, nobody can say.
      """)

  @Argument(help: "The subject's id.")
  var subject: String

  @OptionGroup var options: LogOptions
  @OptionGroup var proofs: EventProofs

  @Option(help: "table, json or csv.")
  var format: OutputFormat = .table

  @Flag(help: "The same as --format json.")
  var json = false

  func validate() throws { _ = try subjectID(subject) }

  func run() async throws {
    let logs = try await options.withClient { client in
      let targets = try options.targets(client)
      var query = AuditQuery()
      if let subject = try subjectID(subject) { query.pseudonyms = try await options.naming(client).codes(of: subject) }
      query.isDisclosureOrRefusal = true
      var logs: [ReadLog] = []
      for target in targets { logs.append(try await proofs.write(try await target.find(query, remembered: options.remember))) }
      return logs
    }
    try EventTable.show(
      logs, json ? .json : format,
      nobody: "nobody: no event speaks of this subject under a pseudonym that can still be told (unknown, or erased)",
      isAboutSubject: true, proofs)
    throw ExitCode(logs.exit.rawValue)
  }
}

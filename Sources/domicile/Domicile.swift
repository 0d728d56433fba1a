import ArgumentParser

/// `domicile`: serve a region, watch the demo, and work with regions, policies, subjects and records.
@main
struct Domicile: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "domicile",
    abstract: "Keeps every person's data in that person's home region.",
    discussion: """
      Start with 'deploy/demo'. Exit codes: 0 done, 1 refused or failed, 2 the command line is wrong.
      """,
    version: "0.1.0",
    subcommands: [
      ServeCommand.self, DemoCommand.self, BenchCommand.self, LabCommand.self, CertsCommand.self, TokenCommand.self,
      RegionCommand.self, PolicyCommand.self,
      SubjectCommand.self, RecordCommand.self, DocumentCommand.self,
    ])

  static func main() async {
    do {
      var command = try parseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch {
      // The parser's own code for a wrong command line is 64; ours is 2, as the auditors' tool has it.
      let code = exitCode(for: error)
      guard code == .validationFailure else { exit(withError: error) }
      printError(fullMessage(for: error))
      exit(withError: ExitCode(2))
    }
  }
}

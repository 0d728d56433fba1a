import ArgumentParser

/// `domicile policy`
struct PolicyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "policy", abstract: "Check, test and explain policies.",
    subcommands: [PolicyCheckCommand.self, PolicyTestCommand.self, PolicyExplainCommand.self])
}

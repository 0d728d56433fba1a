import ArgumentParser

/// `domicile policy`
struct PolicyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "policy", abstract: "Check, test, prove and explain policies.",
    subcommands: [
      PolicyCheckCommand.self, PolicyTestCommand.self, PolicyCoverageCommand.self, PolicyProveCommand.self,
      PolicyMatrixCommand.self, PolicyDiffCommand.self, PolicyExplainCommand.self, PolicyBundleCommand.self,
      PolicySimulateCommand.self,
      PolicyKeyCommand.self,
    ])
}

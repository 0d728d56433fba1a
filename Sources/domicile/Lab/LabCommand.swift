import ArgumentParser

/// `domicile lab`
struct LabCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lab", abstract: "Try what Domicile promises, on real regions and simulated ones, and check what came of it.",
    subcommands: [FaultsCommand.self, SimulateCommand.self, PartitionsCommand.self])
}

import ArgumentParser

/// `domicile lab`
struct LabCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lab", abstract: "Try what Domicile promises on a real region, and check what came of it.",
    subcommands: [FaultsCommand.self])
}

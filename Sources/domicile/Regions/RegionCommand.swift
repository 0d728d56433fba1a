import ArgumentParser

/// `domicile region …`
struct RegionCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "region", abstract: "The regions of this deployment.",
    subcommands: [
      RegionListCommand.self, RegionStatusCommand.self, RegionJoinCommand.self, RegionDrainCommand.self,
      RegionRetireCommand.self, RegionCheckCommand.self, RegionDiffCommand.self,
    ])
}

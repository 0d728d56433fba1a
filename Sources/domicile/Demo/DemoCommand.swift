import ArgumentParser
import ConfigurationFiles
import Coordinator
import FaultLab
import Foundation
import Residency
import UnixSignals

/// `domicile demo`
struct DemoCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo", abstract: "Run three regions on this machine, and watch what they do with people's data.",
    discussion: """
      Starts a private PostgreSQL cluster with a synchronous standby and a coordinator for each region, shows with real calls \
      what Domicile promises, and stays up until Ctrl-C. Everything is kept in the state folder; a second run goes on with it.
      """)

  @Flag(help: "End after the story, with exit code 1 if any step differs from what it should be.")
  var once = false

  @Option(help: "The folder of region files.", completion: .directory)
  var regions = RegionFiles.defaultFolder

  @Option(help: "The folder of policy files.", completion: .directory)
  var policies = PolicyFolder.defaultFolder

  @Option(help: "Where everything is kept.", completion: .directory)
  var state = ".domicile"

  @Option(help: "How many synchronous standbys each region's PostgreSQL has: 0 to 3.")
  var standbys = 1

  func validate() throws {
    guard (0...3).contains(standbys) else { throw ValidationError("--standbys is 0 to 3.") }
  }

  func run() async throws {
    do {
      let catalog = try RegionFiles.catalog(regions, stores: .none)
      // Trapped from here on: whatever was started is stopped again.
      let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
      let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().path
      let deployment = LocalDeployment(
        catalog: catalog, files: .init(program: program, regions: regions, policies: policies), state: StateFolder(state),
        standbys: standbys, report: { printError("· \($0)") })
      let succeeded = await tell(deployment, signals)
      printError("Stopping …")
      await deployment.stop()
      guard succeeded else { throw ExitCode(1) }
    } catch let error as ConfigurationError {
      printError(error.description)
      throw ExitCode(1)
    }
  }

  /// - Returns: whether everything was as it should be.
  private func tell(_ deployment: LocalDeployment, _ signals: UnixSignalsSequence) async -> Bool {
    await withTaskGroup(of: Bool.self) { group in
      group.addTask {
        do {
          try await deployment.start()
          try await DemoTokens(state: deployment.state).write()
          let isTrue = try await DemoStory(deployment: deployment, style: .standardOutput).tell()
          guard !once else { return isTrue }
          printError("The three regions stay up: try the commands above. Ctrl-C ends them.")
          // Ended by the signal below.
          while !Task.isCancelled { try await Task.sleep(for: .seconds(3_600)) }
          return isTrue
        } catch is CancellationError {
          return !once
        } catch {
          printError("The demo stopped: \(error)")
          return false
        }
      }
      group.addTask {
        for await _ in signals { break }
        return !once
      }
      let result = await group.next() ?? false
      group.cancelAll()
      return result
    }
  }
}

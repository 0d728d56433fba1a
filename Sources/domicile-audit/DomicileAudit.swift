import ArgumentParser
import AuditTrail
import Foundation

#if canImport(Glibc)
  import CLinux
#endif

/// The command line for auditors. It holds no part of the server, and takes nothing on the server's word.
@main
struct DomicileAudit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "domicile-audit",
    abstract: "Verify a region's audit log, and ask it questions.",
    discussion: """
      A log is a folder or an https URL (--log), or a region of a running demo (--region), whose address, certificate \
      authority, token and trust file are then found under .domicile. Without either, every region there.

      Exit status: 0 complete and verified, 1 tampering proven, 2 usage, 3 incomplete (something is missing, unreachable or \
      unreadable, or nothing is there), 4 trust or witness quorum not met, 5 violations found. All times are UTC.
      """,
    subcommands: [
      Verify.self, Query.self, Who.self, Report.self, Breach.self, Scan.self, Rederive.self, Watch.self, Export.self, Prove.self,
      Check.self,
      Keys.self,
    ])

  static func main() async {
    #if canImport(Glibc)
      // Tiles are read one after the other into memory of one size. Given back to the system each time, each would be cleared again: a fifth
      // of a verification's time.
      let (trimThreshold, mmapThreshold): (Int32, Int32) = (-1, -3)
      mallopt(mmapThreshold, 32 << 20)
      mallopt(trimThreshold, 256 << 20)
    #endif
    do {
      var command = try parseAsRoot()
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch let error as AuditFailure {
      Terminal.error("domicile-audit: \(error)")
      Foundation.exit(error.exit.rawValue)
    } catch let status as ExitCode {
      Foundation.exit(status.rawValue)
    } catch {
      // Help and version come as errors too.
      guard exitCode(for: error) != .success else {
        print(fullMessage(for: error))
        Foundation.exit(AuditExit.verified.rawValue)
      }
      Terminal.error(fullMessage(for: error))
      Foundation.exit(AuditExit.usage.rawValue)
    }
  }
}

/// Why a command ended without an answer.
struct AuditFailure: Error, CustomStringConvertible {
  let exit: AuditExit
  let description: String

  init(_ exit: AuditExit, _ description: String) {
    self.exit = exit
    self.description = description
  }
}

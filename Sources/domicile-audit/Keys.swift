import ArgumentParser
import AuditTrail
import Cryptography
import Foundation
import Residency

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

struct Keys: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "For whoever runs a region: show the keys of its log, or put a new one in the present one's place.",
    subcommands: [Show.self, Rotate.self])

  /// Which region's key.
  struct Place: ParsableArguments {
    @Option(help: ArgumentHelp("The region's state folder: its key is REGION/audit.key there.", valueName: "dir"))
    var state: String = ".domicile"

    @Option(help: ArgumentHelp("Whose log.", valueName: "region"))
    var region: String

    func validate() throws {
      guard RegionID(region) != nil else { throw ValidationError("'\(region)' is no name of a region.") }
    }

    var keyPath: String { "\(state)/\(region)/audit.key" }
    var trustPath: String { "\(state)/audit-trust/\(region).txt" }

    func read() throws -> LogKeyFile {
      let text = String(decoding: try readFile(keyPath, .usage), as: UTF8.self)
      do throws(FormatError) {
        return try LogKeyFile(parsing: text)
      } catch {
        throw AuditFailure(.usage, "\(keyPath) is no key of a log: \(error.problem)")
      }
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print the log's public keys, the one that signs now first: the lines for trust files.")

    @OptionGroup var place: Place

    func run() throws { for key in try place.read().verifierKeys { print("log \(key)") } }
  }

  struct Rotate: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make a new signing key for the log. What the old one signed stays verifiable.",
      discussion: """
        The new key takes effect when the region's coordinators are started again. Before that, its line goes into the trust files of the \
        other regions, which would not cosign it otherwise, and to the auditors. The old key's private half is gone after this; its public \
        half stays in the key file and in trust files.
        """)

    @OptionGroup var place: Place

    func run() throws {
      let keys = try place.read()
      let old = keys.signer.verifierKey
      let next = NoteSigner(name: old.name, algorithm: old.algorithm, privateKey: try Ed25519PrivateKey.generate())
      // Whoever verifies has to know the key before anything is signed with it.
      let trusted = try addToTrust(next.verifierKey, before: old)
      try writePrivate(keys.rotated(to: next).text)
      print("log \(next.verifierKey)")
      Terminal.error(
        """
        \(place.keyPath): the new key is \(next.verifierKey.id); \(old.id) is retired.
        \(trusted ? "\(place.trustPath) has its line." : "\(place.trustPath) is not there: the line above goes into the trust files.")
        Next: give the line above to the other regions' trust files and to the auditors, restart those regions' coordinators, then this region's.
        """)
    }

    private func addToTrust(_ key: VerifierKey, before old: VerifierKey) throws -> Bool {
      guard FileManager.default.fileExists(atPath: place.trustPath) else { return false }
      let text = String(decoding: try readFile(place.trustPath, .usage), as: UTF8.self)
      var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      guard let position = lines.firstIndex(of: "log \(old)") else {
        throw AuditFailure(.usage, "\(place.trustPath) has no line of the present key (log \(old)): put it right first")
      }
      lines.insert("log \(key)", at: position)
      try writeFile(Array(lines.joined(separator: "\n").utf8), place.trustPath)
      return true
    }

    /// Readable by its owner alone from the first moment, and in the old one's place at once or not at all.
    private func writePrivate(_ text: String) throws {
      let next = "\(place.keyPath).next"
      unlink(next)
      let descriptor = open(next, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
      guard descriptor >= 0 else {
        throw AuditFailure(.incomplete, "\(next): cannot be written; nothing was changed but the trust file")
      }
      let file = FileHandle(fileDescriptor: descriptor)
      try file.write(contentsOf: Data(text.utf8))
      try file.synchronize()
      try file.close()
      guard rename(next, place.keyPath) == 0 else {
        throw AuditFailure(.incomplete, "\(place.keyPath): cannot be replaced; nothing was changed but the trust file")
      }
    }
  }
}

import AuditTrail
import ConfigurationFiles
import Coordinator
import Cryptography
import Foundation
import PolicyEngine
import Residency

/// A bundle of policies on disk.
enum PolicyBundleFile {
  /// - Parameter keys: those that may sign; none for whoever made it.
  static func read(_ path: String, keys: [VerifierKey]) throws -> PolicyBundle {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw ConfigurationError([Diagnostic(at: start(of: path), "the bundle cannot be read", help: "check its name")])
    }
    do {
      return try PolicyBundle(parsing: [UInt8](data), keys: keys)
    } catch {
      throw ConfigurationError([Diagnostic(at: start(of: path), error.description)])
    }
  }

  /// The verifier keys in a file, one a line; lines that start with '#' are remarks.
  static func keys(_ path: String) throws -> [VerifierKey] {
    guard let data = FileManager.default.contents(atPath: path), let text = String(bytes: data, encoding: .utf8) else {
      throw ConfigurationError([Diagnostic(at: start(of: path), "the keys cannot be read", help: "check the file's name")])
    }
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    let keys = try lines.filter { !$1.isEmpty && !$1.hasPrefix("#") }.map { number, line in
      do {
        return try VerifierKey(parsing: String(line))
      } catch {
        throw ConfigurationError([
          Diagnostic(
            at: SourceLocation(file: path, line: number + 1, column: 1), "this is no key: \(error)",
            help: "write what 'domicile policy key' printed")
        ])
      }
    }
    // No key would mean that nobody has to sign.
    guard !keys.isEmpty else { throw ConfigurationError([Diagnostic(at: start(of: path), "there is no key in this file")]) }
    return keys
  }

  static func signer(_ path: String) throws -> NoteSigner {
    guard let data = FileManager.default.contents(atPath: path), let text = String(bytes: data, encoding: .utf8) else {
      throw ConfigurationError([
        Diagnostic(at: start(of: path), "the key cannot be read", help: "make one with 'domicile policy key'")
      ])
    }
    do {
      return try NoteSigner(parsingPrivate: text.trimmingCharacters(in: .whitespacesAndNewlines))
    } catch {
      throw ConfigurationError([Diagnostic(at: start(of: path), "this is no private key: \(error)")])
    }
  }

  static func source(
    _ path: String, keys: [VerifierKey], ledger: PolicyLedger, regions: [Place], ageMax: Duration
  ) -> PolicySource {
    PolicySource(name: path, ageMax: ageMax) {
      FileManager.default.contents(atPath: path).map { SHA256.hash([UInt8]($0)).hex }
    } load: {
      let bundle = try read(path, keys: keys)
      try ledger.check(bundle)
      let files = bundle.files.map { PolicyFile(path: "policies/\($0.path)", text: $0.text) }
      let policies = try PolicyFolder.load(files, regions: regions, today: PolicyInputs.today())
      policies.compileNow(for: PolicyInputs.today())
      try PolicyFolder.checkInvariants(of: policies)
      try ledger.take(bundle)
      return policies
    }
  }

  private static func start(of path: String) -> SourceLocation { SourceLocation(file: path, line: 1, column: 1) }
}

extension PolicyFolder {
  /// - Parameter folder: read again whenever one of its files changes.
  static func source(_ folder: String, regions: [Place], ageMax: Duration) -> PolicySource {
    // Answers and leaves name a rule's file within the folder: where that lies on this machine is nobody else's business.
    let folder = URL(filePath: folder).standardizedFileURL.path
    @Sendable func files() throws -> [PolicyFile] {
      try read(folder).map { PolicyFile(path: "policies" + $0.path.dropFirst(folder.count), text: $0.text) }
    }
    return PolicySource(name: folder, ageMax: ageMax) {
      do { return SHA256.hash(PolicySet.canonicalBytes(of: try files())).hex } catch { return nil }
    } load: {
      let policies = try load(try files(), regions: regions, today: PolicyInputs.today())
      policies.compileNow(for: PolicyInputs.today())
      return policies
    } checkChange: { old, new in
      // A folder does not say that it is whole: a file that is lost would only be a smaller set, that forbids less.
      let lost = old.fileNames.subtracting(new.fileNames).sorted()
      guard lost.isEmpty else {
        throw ConfigurationError(
          lost.map {
            Diagnostic(
              at: SourceLocation(file: "policies/\($0)", line: 1, column: 1),
              "the file is gone, so the policies may not be whole",
              help: "put it back; to remove it on purpose, start the coordinator anew, or serve bundles")
          })
      }
      try checkInvariants(of: new)
    }
  }

  /// - Throws: ``ConfigurationError`` where an invariant does not hold from today on.
  static func checkInvariants(of policies: PolicySet) throws(ConfigurationError) {
    let broken = PolicyReport.brokenInvariants(policies.prove(from: PolicyInputs.today()))
    guard broken.isEmpty else { throw ConfigurationError(broken) }
  }
}

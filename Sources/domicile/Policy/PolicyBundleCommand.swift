import ArgumentParser
import AuditTrail
import ConfigurationFiles
import Coordinator
import Cryptography
import Foundation
import PolicyEngine
import Residency

/// `domicile policy bundle [DIR]`
struct PolicyBundleCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bundle", abstract: "Make one signed file of the policies, for regions to serve; or check one.",
    discussion: """
      Bundles only what holds: without an error, with every test passing and every invariant proved. Regions take a bundle with \
      'domicile serve --policy-bundle', refuse one with a smaller number than they have taken, and with --policy-key one that is not \
      signed.

        domicile policy key policies.example > policy.pub
        domicile policy bundle --sequence 12 --key policy.key --output policies.bundle
        domicile policy bundle --verify policies.bundle --trust policy.pub

      Exits 0, 1 where something does not hold or a bundle is not to be believed, 2 on wrong usage.
      """)

  @OptionGroup var folder: PolicyFolderInput

  @Option(help: "The bundle's number: greater than every one before.")
  var sequence: UInt64?

  @Option(help: "A private key to sign with ('domicile policy key'). May be given more than once.", completion: .file())
  var key: [String] = []

  @Option(help: "Where to write the bundle.", completion: .file())
  var output: String?

  @Option(help: "Check this bundle instead of making one.", completion: .file())
  var verify: String?

  @Option(help: "With --verify: a file with the keys that may sign.", completion: .file())
  var trust: String?

  @OptionGroup var inputs: PolicyInputs

  func validate() throws {
    guard verify == nil else {
      if sequence != nil || output != nil || !key.isEmpty { throw ValidationError("--verify goes with --trust alone.") }
      return
    }
    guard sequence != nil, output != nil else { throw ValidationError("A new bundle needs --sequence and --output.") }
    if trust != nil { throw ValidationError("--trust goes with --verify.") }
  }

  func run() async throws {
    let bundle = try PolicyReport.withDiagnostics(json: inputs.json) { try verify.map(checked) ?? made() }
    if inputs.json {
      let report: JSONValue = [
        "ok": true, "sequence": .string(String(bundle.sequence)), "revision": .string(bundle.revision),
        "files": .integer(bundle.files.count), "signers": .array(bundle.signers.map(JSONValue.string)),
        "signatures_checked": .bool(verify == nil || trust != nil),
      ]
      return print(report.canonicalText)
    }
    let style = TerminalStyle.standardOutput
    let names = bundle.signers.joined(separator: ", ")
    let isUnchecked = verify != nil && trust == nil
    let signers =
      bundle.signers.isEmpty
      ? style.doubtful("not signed")
      : isUnchecked
        ? style.doubtful("says it is signed by \(names): not checked, give --trust") : style.good("signed by \(names)")
    print("bundle \(bundle.sequence), \(counted(bundle.files.count, "file", "files")): \(signers)")
    print(style.faint("revision \(bundle.revision)"))
  }

  private func checked(_ path: String) throws -> PolicyBundle {
    let bundle = try PolicyBundleFile.read(path, keys: try trust.map { try PolicyBundleFile.keys($0) } ?? [])
    _ = try PolicyFolder.load(bundle.files, regions: try inputs.places(), today: PolicyInputs.today())
    return bundle
  }

  private func made() throws -> PolicyBundle {
    let today = PolicyInputs.today()
    let (files, policies) = try inputs.load(folder.folder, for: today)
    var problems = try PolicyTests.run(files, against: policies).filter { !$0.passed }.map {
      Diagnostic(at: $0.location, "the case '\($0.name)' fails: \($0.failures.joined(separator: "; "))")
    }
    problems += PolicyReport.brokenInvariants(policies.prove(from: today))
    if !files.contains(where: \.isTest) {
      problems.append(
        Diagnostic(
          at: SourceLocation(file: folder.folder, line: 1, column: 1), "there are no tests beside the policies",
          help: "write NAME.test.yaml: a bundle is of what was tested"))
    }
    if policies.invariantCount == 0 {
      printError("note: there are no invariants, so nothing is proved of these policies")
    }
    guard problems.isEmpty else { throw ConfigurationError(problems) }
    let bundle = try PolicyBundle(files, sequence: sequence ?? 0, signers: try key.map(PolicyBundleFile.signer))
    let path = output ?? ""
    do {
      try Data(bundle.bytes).write(to: URL(filePath: path), options: .atomic)
    } catch {
      throw ConfigurationError([
        Diagnostic(
          at: SourceLocation(file: path, line: 1, column: 1), "the bundle could not be written: \(error.localizedDescription)")
      ])
    }
    return bundle
  }
}

/// `domicile policy key NAME`
struct PolicyKeyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "key", abstract: "Make a key that signs bundles.",
    discussion: """
      Writes the private key to a file that only you can read, and prints the public one, for 'domicile serve --policy-key'. An existing \
      file is left as it is. Exits 1 where it cannot be written.
      """)

  @Argument(help: "Whose key it is, e.g. policies.example: it stands beside every signature.")
  var name: String

  @Option(help: "Where to write the private key.", completion: .file())
  var output = "policy.key"

  @Flag(help: "Print JSON.")
  var json = false

  func run() async throws {
    guard let keyName = KeyName(name) else { throw ValidationError("'\(name)' is no name of a key: no spaces, no '+'.") }
    let signer = NoteSigner(
      name: keyName, algorithm: .ed25519, privateKey: try Ed25519PrivateKey(seed: try SecureRandom.bytes(32)))
    let file = open(output, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
    guard file >= 0 else {
      printError("\(output) could not be made: \(String(cString: strerror(errno))). Choose another name, or remove it.")
      throw ExitCode(1)
    }
    let handle = FileHandle(fileDescriptor: file, closeOnDealloc: true)
    try handle.write(contentsOf: Data((signer.privateText + "\n").utf8))
    let report: JSONValue = ["key": .string("\(signer.verifierKey)"), "private_key_file": .string(output)]
    print(json ? report.canonicalText : "\(signer.verifierKey)")
  }
}

import ArgumentParser
import AuditTrail
import Foundation
import Residency

/// Which log, and whose word is taken for it.
struct LogOptions: ParsableArguments {
  @Option(help: ArgumentHelp("A log: a folder, or an https URL.", valueName: "dir|url"))
  var log: String?

  @Option(help: "A region whose address is in the state folder.")
  var region: String?

  @Option(help: ArgumentHelp("Keys that you trust: log, witness, group and quorum lines (C2SP tlog-policy).", valueName: "file"))
  var trust: String?

  @Option(
    help: ArgumentHelp(
      "An older checkpoint of the log: what it holds is read, and nothing after it. To make an old report again.",
      valueName: "file"))
  var checkpoint: String?

  @Option(help: ArgumentHelp("A bearer token, or @FILE that holds one.", valueName: "token"))
  var token: String?

  @Option(help: ArgumentHelp("The certificate authority of the region's HTTPS, in PEM.", valueName: "file"))
  var ca: String?

  @Option(
    help: ArgumentHelp(
      "A folder of your own, where what was verified is kept: a later run notices a log that was cut off or rewritten, and a question reads "
        + "only what is new.", valueName: "dir"))
  var remember: String?

  @Option(help: ArgumentHelp("Where a demo keeps its state.", valueName: "dir"))
  var state: String = ".domicile"

  func validate() throws {
    if checkpoint != nil, log == nil, region == nil {
      throw ValidationError("--checkpoint is one log's: say which with --region or --log.")
    }
    if log != nil, region != nil { throw ValidationError("Give --log or --region, not both.") }
    if log != nil, trust == nil {
      throw ValidationError("--log needs --trust FILE: a log is not checked against keys that it brings itself.")
    }
  }

  /// The logs to read, each with its trust policy.
  func targets(_ client: WebClient) throws -> [LogTarget] {
    if let log {
      return [
        LogTarget(
          region: nil, source: try source(log, client), trust: try TrustFile(reading: trust ?? "", isOperators: false),
          checkpoint: try readCheckpoint())
      ]
    }
    var endpoints = try readEndpoints()
    if let region {
      guard let url = endpoints[region] else {
        let help = nearest(region, in: endpoints.keys).map { "did you mean \($0)?" } ?? "known: \(endpoints.keys.sorted())"
        throw AuditFailure(.usage, "no region '\(Terminal.harmless(region))' in \(state)/endpoints.json; \(help)")
      }
      endpoints = [region: url]
    }
    return try endpoints.sorted { $0.key < $1.key }.map { name, url in
      let file = trust ?? "\(state)/audit-trust/\(name).txt"
      return LogTarget(
        region: name, source: try source(url, client), trust: try TrustFile(reading: file, isOperators: trust == nil),
        checkpoint: try readCheckpoint())
    }
  }

  /// Where a subject's pseudonyms may be told: the home region alone knows them, whichever regions' logs are read.
  func naming(_ client: WebClient) throws -> [any LogSource] {
    if let log { return [try source(log, client)] }
    return try readEndpoints().sorted { $0.key < $1.key }.map { try source($0.value, client) }
  }

  /// Runs `body` with a client for HTTPS, and closes it. Without a look at the web none is made.
  func withClient<Result>(_ body: (WebClient) async throws -> Result) async throws -> Result {
    let found = ca ?? (log == nil && FileManager.default.fileExists(atPath: "\(state)/ca.pem") ? "\(state)/ca.pem" : nil)
    let client = WebClient(certificateFile: found)
    do {
      let result = try await body(client)
      try await client.shutdown()
      return result
    } catch {
      try await client.shutdown()
      throw error
    }
  }

  func source(_ place: String, _ client: WebClient) throws -> any LogSource {
    if place.hasPrefix("https://") {
      let base = place.hasSuffix("/") ? String(place.dropLast()) : place
      return WebSource(base: base, token: try readToken(), client: try client.started())
    }
    guard !place.contains("://") else { throw AuditFailure(.usage, "\(place): a log is a folder or an https URL") }
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: place, isDirectory: &isFolder), isFolder.boolValue else {
      throw AuditFailure(.incomplete, "\(place): there is no such folder")
    }
    return FolderSource(folder: URL(filePath: place, directoryHint: .isDirectory))
  }

  private func readCheckpoint() throws -> [UInt8]? { try checkpoint.map { try readFile($0, .usage) } }

  private func readToken() throws -> String? {
    let standard = "\(state)/tokens/auditor"
    let file =
      token.map { $0.hasPrefix("@") ? String($0.dropFirst()) : nil }
      ?? (log == nil && FileManager.default.fileExists(atPath: standard) ? standard : nil)
    guard let file else { return token }
    return String(decoding: try readFile(file, .usage), as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }

  private func readEndpoints() throws -> [String: String] {
    let file = "\(state)/endpoints.json"
    guard FileManager.default.fileExists(atPath: file) else {
      throw AuditFailure(.usage, "\(file) is not there: start the demo, or say which log with --log and --trust")
    }
    do {
      return try JSONDecoder().decode([String: String].self, from: Data(try readFile(file, .usage)))
    } catch is DecodingError {
      throw AuditFailure(.usage, "\(file) is not a JSON object of regions and URLs")
    }
  }
}

/// A log to read.
struct LogTarget: Sendable {
  /// Its name among the demo's regions.
  let region: String?
  let source: any LogSource
  let trust: TrustFile
  /// An older one, where it is not the log's newest that is to be verified against.
  let checkpoint: [UInt8]?

  var name: String { region ?? source.name }
}

/// A trust policy and where it came from.
struct TrustFile: Sendable {
  let policy: TrustPolicy
  let file: String
  /// Whether the operator's own set-up wrote it: good for a demonstration, not for an audit.
  let isOperators: Bool

  init(reading file: String, isOperators: Bool) throws {
    guard FileManager.default.fileExists(atPath: file) else {
      throw AuditFailure(.untrusted, "\(file) is not there: say whose keys you trust with --trust FILE")
    }
    do {
      policy = try TrustPolicy(parsing: try readFile(file, .untrusted), file: file)
    } catch let error as ConfigurationError {
      throw AuditFailure(.untrusted, "the trust file is not valid\n\(error)")
    }
    self.file = file
    self.isOperators = isOperators
  }
}

func readFile(_ path: String, _ exit: AuditExit) throws(AuditFailure) -> [UInt8] {
  do {
    return [UInt8](try Data(contentsOf: URL(filePath: path)))
  } catch {
    throw AuditFailure(exit, "\(path): cannot be read")
  }
}

/// Writes a file whole or not at all.
/// - Parameter durably: whether it has to outlast this machine's stop from now on, which the disk takes its time for.
func writeFile(_ bytes: [UInt8], _ path: String, durably: Bool = true) throws(AuditFailure) {
  let file = URL(filePath: path)
  do {
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    guard !durably else { return try Data(bytes).write(to: file, options: .atomic) }
    let written = "\(path).\(ProcessInfo.processInfo.processIdentifier)"
    try Data(bytes).write(to: URL(filePath: written), options: .withoutOverwriting)
    guard rename(written, path) == 0 else {
      try? FileManager.default.removeItem(atPath: written)
      throw CocoaError(.fileWriteUnknown)
    }
  } catch {
    throw AuditFailure(.incomplete, "\(path): cannot be written")
  }
}

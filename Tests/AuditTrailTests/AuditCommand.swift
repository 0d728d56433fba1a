import AuditTrail
import Foundation
import Testing

/// Runs the built `domicile-audit`, which stands beside the test bundle.
enum AuditCommand {
  struct Outcome {
    let status: Int32
    let output: String
    let errors: String
  }

  static func run(_ arguments: [String], in folder: URL) throws -> Outcome {
    let bundle = try #require(ProcessInfo.processInfo.arguments.first.map { URL(filePath: $0) })
    let places = [
      bundle.deletingLastPathComponent(), Bundle.main.bundleURL, bundle.deletingLastPathComponent().deletingLastPathComponent(),
    ]
    let program = try #require(
      places.map { $0.appending(path: "domicile-audit") }.first { FileManager.default.isExecutableFile(atPath: $0.path) },
      "domicile-audit is not built")
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    process.currentDirectoryURL = folder
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    process.standardInput = FileHandle.nullDevice
    try process.run()
    // Short outputs: a pipe holds them whole.
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let errorText = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return Outcome(status: process.terminationStatus, output: text, errors: errorText)
  }
}

extension SampleLog {
  func write(to folder: URL) throws {
    for (path, bytes) in files {
      let file = folder.appending(path: path)
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(bytes).write(to: file)
    }
  }
}

/// A folder that is gone when the test is.
final class TemporaryFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(
      path: "domicile-audit-\(UUID().uuidString)", directoryHint: .isDirectory)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit {
    // A folder that stays behind harms nobody.
    _ = try? FileManager.default.removeItem(at: url)
  }
}

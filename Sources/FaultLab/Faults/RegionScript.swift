import Foundation

/// `deploy/patroni/region` for one folder.
struct RegionScript: Sendable {
  struct Failure: Error, CustomStringConvertible {
    let words: [String]
    let status: Int32
    /// The script's own `error:` line.
    let error: String?
    let log: String

    var description: String {
      "region \(words.joined(separator: " ")) failed (\(status)): \(error ?? "no reason given"); see \(log)"
    }
  }

  let path: String
  let folder: String
  /// Gets what the script says on the way.
  let log: String

  /// Runs it to its end, in this process's environment. A cancelled task ends it early.
  /// - Returns: what it printed, without the last newline.
  /// - Throws: ``Failure`` where it fails, `CancellationError` where it was ended early.
  func run(_ words: [String]) async throws -> String {
    if !FileManager.default.fileExists(atPath: log) { try Data().write(to: URL(filePath: log)) }
    guard let messages = FileHandle(forWritingAtPath: log) else { throw CocoaError(.fileWriteUnknown) }
    let before = try messages.seekToEnd()
    let process = Process()
    process.executableURL = URL(filePath: path)
    process.arguments = words + ["--dir", folder]
    process.standardInput = FileHandle.nullDevice
    let output = Pipe()
    process.standardOutput = output
    process.standardError = messages
    try process.run()
    let id = process.processIdentifier
    let text = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        Thread.detachNewThread {
          let data = output.fileHandleForReading.readDataToEndOfFile()
          process.waitUntilExit()
          continuation.resume(returning: String(decoding: data, as: UTF8.self).trimmed)
        }
      }
    } onCancel: {
      kill(id, SIGTERM)
    }
    try Task.checkCancellation()
    guard process.terminationStatus == 0 else {
      throw Failure(words: words, status: process.terminationStatus, error: error(after: before), log: log)
    }
    return text
  }

  private func error(after offset: UInt64) -> String? {
    guard let file = FileHandle(forReadingAtPath: log) else { return nil }
    do {
      try file.seek(toOffset: offset)
      let text = String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self)
      return text.split(separator: "\n").last { $0.contains("error:") }.map(String.init)
    } catch {
      return nil
    }
  }
}

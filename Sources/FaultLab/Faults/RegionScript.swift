import FoundationEssentials
import Glibc

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

  /// Far more than bringing up a region takes.
  private static let limit = Duration.seconds(600)

  let path: String
  let folder: String
  /// Gets what the script says on the way.
  let log: String

  /// Runs it to its end, in this process's environment. A cancelled task ends it early.
  /// - Returns: what it printed, without the last newline.
  /// - Throws: ``Failure`` where it fails, `CancellationError` where it was ended early.
  func run(_ words: [String]) async throws -> String {
    let before = FileManager.default.contents(atPath: log)?.count ?? 0
    let output = try Channel()
    let command = ["/bin/sh", "-c", #"exec 2>>"$1"; shift; exec "$@""#, "sh", log, path] + words + ["--dir", folder]
    let child: pid_t
    do {
      child = try ChildProcess.start(
        command, in: "/", input: nil, output: output.writeEnd, environment: ChildProcess.ownEnvironment)
    } catch {
      close(output.writeEnd)
      close(output.readEnd)
      throw error
    }
    close(output.writeEnd)
    let (status, text) = await withTaskCancellationHandler {
      await ChildProcess.onOwnThread { () throws(Never) in
        let (ended, _) = ChildProcess.follow(child, output: output.readEnd, until: .now + Self.limit)
        close(output.readEnd)
        return (ended.status, ended.text.trimmed)
      }.get()
    } onCancel: {
      kill(child, SIGTERM)
    }
    try Task.checkCancellation()
    guard status == 0 else { throw Failure(words: words, status: status, error: error(after: before), log: log) }
    return text
  }

  /// The last error in what was appended to the log.
  private func error(after count: Int) -> String? {
    let text = String(decoding: FileManager.default.contents(atPath: log)?.dropFirst(count) ?? Data(), as: UTF8.self)
    return text.split(separator: "\n").last { $0.contains("error:") }.map(String.init)
  }
}

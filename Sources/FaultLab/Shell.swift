import Foundation

/// Runs a command line as a person would type it.
package enum Shell {
  package struct Output: Sendable {
    package let status: Int32
    package let text: String
  }

  /// - Returns: standard output, and the exit code. Standard error goes where this process's goes.
  package static func run(_ command: String) async throws -> Output {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-c", command]
    process.standardInput = FileHandle.nullDevice
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    return await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        continuation.resume(returning: Output(status: process.terminationStatus, text: String(decoding: data, as: UTF8.self)))
      }
    }
  }
}

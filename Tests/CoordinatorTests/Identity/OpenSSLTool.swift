import Foundation

/// The system's `openssl`, as an opinion that is not ours.
struct OpenSSLTool {
  struct Failure: Error { let output: String }

  /// - Returns: what it printed.
  @discardableResult
  static func run(_ arguments: String...) throws -> String {
    let command = (["openssl"] + arguments).map { "'\($0)'" }.joined(separator: " ")
    guard let pipe = popen(command + " 2>&1", "r") else { throw Failure(output: "cannot start openssl") }
    var output: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = fread(&chunk, 1, chunk.count, pipe)
      guard count > 0 else { break }
      output += chunk.prefix(count)
    }
    let status = pclose(pipe)
    let text = String(decoding: output, as: UTF8.self)
    guard status == 0 else { throw Failure(output: text) }
    return text
  }
}

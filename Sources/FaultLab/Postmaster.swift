import FoundationEssentials
import Glibc

/// What `postmaster.pid` says, checked against the processes that exist.
struct Postmaster: Sendable {
  let processID: pid_t
  /// The port, where the file has got that far.
  let port: Int?
  /// Whether it listens beyond its Unix socket, where the file has got that far.
  let listensOnTCP: Bool?

  /// The server that runs in `dataFolder` now.
  ///
  /// A file left behind by a server that was killed names a process that is gone, or that is by now another program: a
  /// server works inside its data folder, and so the process's working directory tells.
  static func running(in dataFolder: String) -> Postmaster? {
    guard let file = read(dataFolder), isAlive(file.processID),
      let works = workingDirectory(of: file.processID), works == resolved(dataFolder)
    else { return nil }
    return file
  }

  /// The file's word alone.
  static func read(_ dataFolder: String) -> Postmaster? {
    guard let data = FileManager.default.contents(atPath: dataFolder + "/postmaster.pid") else { return nil }
    let lines = String(decoding: data, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    guard let processID = lines.first.flatMap({ pid_t($0) }), processID > 1 else { return nil }
    return Postmaster(
      processID: processID, port: lines.count > 3 ? Int(lines[3]) : nil, listensOnTCP: lines.count > 5 ? !lines[5].isEmpty : nil)
  }

  /// The server and its children, of which every connection has one.
  var family: [pid_t] {
    [processID] + Self.names(in: "/proc").compactMap { pid_t($0) }.filter { Self.parent(of: $0) == processID }
  }

  /// Not one that has ended and only waits for its parent to notice.
  static func isAlive(_ process: pid_t) -> Bool {
    guard let state = statusFields(of: process)?.first else { return false }
    return state != "Z" && state != "X"
  }

  /// Whether SIGSTOP has taken effect, or has come too late.
  static func isStoppedOrGone(_ process: pid_t) -> Bool {
    guard isAlive(process), let state = statusFields(of: process)?.first else { return true }
    return state == "T"
  }

  private static func names(in folder: String) -> [String] {
    do { return try FileManager.default.contentsOfDirectory(atPath: folder) } catch { return [] }
  }

  private static func parent(of process: pid_t) -> pid_t? {
    statusFields(of: process).flatMap { $0.count > 1 ? pid_t($0[1]) : nil }
  }

  /// The fields of `/proc/PID/stat` after the program's name, which may itself hold spaces and parentheses.
  private static func statusFields(of process: pid_t) -> [Substring]? {
    guard let data = FileManager.default.contents(atPath: "/proc/\(process)/stat") else { return nil }
    let text = String(decoding: data, as: UTF8.self)
    guard let nameEnd = text.lastIndex(of: ")") else { return nil }
    return text[text.index(after: nameEnd)...].split(separator: " ")
  }

  private static func workingDirectory(of process: pid_t) -> String? {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let length = buffer.withUnsafeMutableBytes { bytes in
      bytes.baseAddress.map { readlink("/proc/\(process)/cwd", $0.assumingMemoryBound(to: CChar.self), bytes.count) } ?? -1
    }
    return length > 0 ? String(decoding: buffer[..<length], as: UTF8.self) : nil
  }

  private static func resolved(_ path: String) -> String? {
    guard let real = realpath(path, nil) else { return nil }
    defer { free(real) }
    return String(cString: real)
  }
}

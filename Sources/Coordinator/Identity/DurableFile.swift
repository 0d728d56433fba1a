import Foundation

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Files that are there whole or not at all. One that holds a key, nobody but its owner can read, not even for a moment.
enum DurableFile {
  struct Failure: Error, Sendable, Hashable, CustomStringConvertible {
    let operation: String
    let path: String
    let reason: String

    init(_ operation: String, _ path: String, errno code: Int32) {
      self.operation = operation
      self.path = path
      reason = String(cString: strerror(code))
    }

    var description: String { "cannot \(operation) \(path): \(reason)" }
  }

  /// What a file may be used for, as its mode.
  enum Access: mode_t {
    case ownerOnly = 0o600
    case everyoneReads = 0o644
  }

  /// Replaces `path`, with the folders before it.
  static func write(_ bytes: [UInt8], to path: String, access: Access) throws {
    try FileManager.default.createDirectory(
      at: URL(filePath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
    let draft = "\(path).\(UUID().uuidString).new"
    let file = open(draft, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, access.rawValue)
    guard file >= 0 else { throw Failure("create", draft, errno: errno) }
    do {
      defer { close(file) }
      // The process's umask may have taken rights away that readers need.
      guard fchmod(file, access.rawValue) == 0 else { throw Failure("set the mode of", draft, errno: errno) }
      try writeAll(bytes, to: file, path: draft)
      guard fsync(file) == 0 else { throw Failure("sync", draft, errno: errno) }
    } catch {
      unlink(draft)
      throw error
    }
    guard rename(draft, path) == 0 else {
      let code = errno
      unlink(draft)
      throw Failure("replace", path, errno: code)
    }
  }

  private static func writeAll(_ bytes: [UInt8], to file: Int32, path: String) throws(Failure) {
    var rest = bytes[...]
    while !rest.isEmpty {
      #if canImport(Darwin)
        let count = rest.withUnsafeBytes { Darwin.write(file, $0.baseAddress, $0.count) }
      #elseif canImport(Musl)
        let count = rest.withUnsafeBytes { Musl.write(file, $0.baseAddress, $0.count) }
      #else
        let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
      #endif
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw Failure("write", path, errno: errno) }
      rest = rest.dropFirst(count)
    }
  }

  /// `nil` where there is no such file, or it cannot be read.
  static func text(at path: String) -> String? {
    FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Takes others' rights away from a key that is kept.
  static func restrictToOwner(_ path: String) throws(Failure) {
    guard chmod(path, Access.ownerOnly.rawValue) == 0 else { throw Failure("set the mode of", path, errno: errno) }
  }
}

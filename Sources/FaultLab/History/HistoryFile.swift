import Glibc

/// A history's file, to which each event is appended as it happens: what was recorded outlives the recording process.
package struct HistoryFile: ~Copyable, Sendable {
  package struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
    package let path: String
    /// `errno`.
    package let code: Int32
    package var description: String { "\(path) could not be written: \(String(cString: strerror(code)))" }
  }

  private let path: String
  private let descriptor: Int32

  /// Makes the file.
  /// - Throws: ``Failure`` where it cannot be made or exists already: a history is never written over.
  package init(creating path: String) throws(Failure) {
    try self.init(opening: path, O_CREAT | O_EXCL)
  }

  /// - Parameter options: The flags of `open(2)` beyond those for appending.
  init(opening path: String, _ options: Int32 = 0) throws(Failure) {
    self.path = path
    descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | options, 0o644)
    guard descriptor >= 0 else { throw Failure(path: path, code: errno) }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Appends a line, with its newline.
  func append(_ line: String) throws(Failure) {
    var rest = Array((line + "\n").utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw Failure(path: path, code: count < 0 ? errno : EIO) }
      rest = rest.dropFirst(count)
    }
  }
}

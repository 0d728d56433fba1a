import Foundation

/// How far long work has got, on one line of a terminal that is rewritten in place. Elsewhere it says nothing.
struct ProgressLine {
  private let total: Int
  private let what: String
  private let isShown = isatty(STDERR_FILENO) == 1

  /// - Parameter what: is counted: `rules taken away`.
  init(total: Int, of what: String) {
    self.total = total
    self.what = what
  }

  func show(_ done: Int) {
    guard isShown else { return }
    FileHandle.standardError.write(Data("\r\(done) of \(total) \(what)".utf8))
  }

  func clear() {
    guard isShown else { return }
    FileHandle.standardError.write(Data("\r\u{1B}[K".utf8))
  }
}

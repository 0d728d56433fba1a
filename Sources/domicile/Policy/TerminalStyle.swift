import Foundation

/// Colour for people: only where standard output is a terminal and `NO_COLOR` is not set (no-color.org).
struct TerminalStyle {
  let isColoured: Bool

  static var standardOutput: TerminalStyle {
    let noColor = ProcessInfo.processInfo.environment["NO_COLOR"] ?? ""
    return TerminalStyle(isColoured: noColor.isEmpty && isatty(STDOUT_FILENO) == 1)
  }

  func good(_ text: String) -> String { paint(text, 32) }
  func bad(_ text: String) -> String { paint(text, 31) }
  func doubtful(_ text: String) -> String { paint(text, 33) }
  func faint(_ text: String) -> String { paint(text, 2) }

  private func paint(_ text: String, _ code: Int) -> String {
    isColoured ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
  }
}

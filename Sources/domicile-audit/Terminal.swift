import Foundation

/// What goes to the person at the terminal.
enum Terminal {
  static func error(_ text: String) { FileHandle.standardError.write(Data("\(text)\n".utf8)) }

  /// Text from a log, made harmless: control characters, which could move a terminal's cursor, become `?`.
  static func harmless(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { [.control, .format].contains($0.properties.generalCategory) ? "?" : $0 }))
  }
}

/// How far a long run has come, on standard error where that is a terminal.
struct Progress {
  private let label: String
  /// `nil` where nobody knows how much it is in all.
  private let total: Int?
  private let unit: String
  private let isShown = isatty(FileHandle.standardError.fileDescriptor) == 1
  private var lastShown: ContinuousClock.Instant?

  init(_ label: String, total: Int?, unit: String = "leaves") {
    self.label = label
    self.total = total
    self.unit = unit
  }

  mutating func update(_ done: Int) {
    let now = ContinuousClock.now
    guard isShown, lastShown.map({ now - $0 > .milliseconds(200) }) ?? (total.map { $0 > 4096 } ?? true) else { return }
    lastShown = now
    var text = "\(label): \(done) \(unit)"
    if let total {
      text = "\(label): \(done) of \(total) \(unit) (\(total > 0 ? Int(Double(done) / Double(total) * 100) : 100) %)"
    }
    FileHandle.standardError.write(Data("\r\u{1b}[K\(text)".utf8))
  }

  mutating func end() {
    if lastShown != nil { FileHandle.standardError.write(Data("\r\u{1b}[K".utf8)) }
  }
}

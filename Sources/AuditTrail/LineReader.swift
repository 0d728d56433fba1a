/// Reads bytes line by line. A line ends in a newline (U+000A); what follows the last newline is not a line.
struct LineReader {
  private var rest: ArraySlice<UInt8>
  /// The number of the line that was read last. Counts from 1.
  private(set) var lineNumber = 0

  init(_ bytes: [UInt8]) { rest = bytes[...] }

  /// What has not been read.
  var remaining: ArraySlice<UInt8> { rest }

  /// The next line without its newline; `nil` where no whole line is left.
  mutating func next() -> ArraySlice<UInt8>? {
    guard let end = rest.firstIndex(of: 0x0a) else { return nil }
    let line = rest[rest.startIndex..<end]
    rest = rest[(end + 1)...]
    lineNumber += 1
    return line
  }
}

extension Int {
  /// ASCII decimal without sign or leading zeros, as every C2SP format writes sizes. `nil` for anything else, and for more
  /// than `Int.max`.
  init?(decimal digits: some Collection<UInt8>) {
    guard let first = digits.first, digits.count <= 19, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    guard first != 0x30 || digits.count == 1 else { return nil }
    var value = 0
    for digit in digits {
      let (product, isOver) = value.multipliedReportingOverflow(by: 10)
      let (sum, isOverToo) = product.addingReportingOverflow(Int(digit - 0x30))
      guard !isOver, !isOverToo else { return nil }
      value = sum
    }
    self = value
  }
}

extension Collection<UInt8> {
  func starts(withText prefix: String) -> Bool { starts(with: prefix.utf8) }
}

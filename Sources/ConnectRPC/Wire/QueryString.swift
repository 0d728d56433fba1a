/// The parameters of a URL's query, percent-decoded.
struct QueryString: Sendable {
  private let parameters: [String: [UInt8]]

  /// The query of `path`, which is what follows its first `?`. Of several parameters with one name, the first counts.
  init(ofPath path: String) {
    var parameters: [String: [UInt8]] = [:]
    if let mark = path.utf8.firstIndex(of: UInt8(ascii: "?")) {
      for pair in path.utf8[path.utf8.index(after: mark)...].split(separator: UInt8(ascii: "&")) {
        let halves = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(decoding: Self.decode(halves[0]), as: UTF8.self)
        if parameters[name] == nil { parameters[name] = halves.count > 1 ? Self.decode(halves[1]) : [] }
      }
    }
    self.parameters = parameters
  }

  func bytes(_ name: String) -> [UInt8]? { parameters[name] }
  func text(_ name: String) -> String? { parameters[name].map { String(decoding: $0, as: UTF8.self) } }
  var texts: [String: String] { parameters.mapValues { String(decoding: $0, as: UTF8.self) } }

  /// A `%` without two hexadecimal digits stands for itself.
  private static func decode(_ text: some Collection<UInt8>) -> [UInt8] {
    var decoded: [UInt8] = []
    var rest = text[...]
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "+"):
        decoded.append(UInt8(ascii: " "))
      case UInt8(ascii: "%"):
        let digits = rest.prefix(2).compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        if digits.count == 2 {
          decoded.append(UInt8(digits[0] << 4 | digits[1]))
          rest = rest.dropFirst(2)
        } else {
          decoded.append(byte)
        }
      default:
        decoded.append(byte)
      }
    }
    return decoded
  }
}

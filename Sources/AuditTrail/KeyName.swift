/// The name of a key in signed notes, and the origin of a log: a scheme-less URL such as `eu-west.example.org/audit`.
///
/// Compared byte by byte: two spellings that Unicode calls equivalent are two names.
package struct KeyName: Hashable, Sendable, CustomStringConvertible {
  package let utf8: [UInt8]

  /// - Returns: `nil` where the name is empty, not UTF-8, over 255 bytes, or holds white space, a control character or `+`.
  package init?(_ bytes: some Collection<UInt8>) {
    let bytes = Array(bytes)
    guard (1...255).contains(bytes.count), let text = String(validating: bytes, as: UTF8.self) else { return nil }
    let isAllowed = text.unicodeScalars.allSatisfy {
      !$0.properties.isWhitespace && $0.properties.generalCategory != .control && $0 != "+"
    }
    guard isAllowed else { return nil }
    utf8 = bytes
  }

  package init?(_ text: String) { self.init(text.utf8) }

  package var description: String { String(decoding: utf8, as: UTF8.self) }
}

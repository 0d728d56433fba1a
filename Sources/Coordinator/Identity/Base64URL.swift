import Foundation

extension [UInt8] {
  /// RFC 4648, section 5, without padding: what the parts of a token are written in.
  /// - Returns: `nil` for another alphabet, for padding, and where unused bits are not zero (one value, one text).
  init?(base64URL text: some StringProtocol) {
    var standard = ""
    standard.reserveCapacity(text.utf8.count + 3)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "A"..."Z", "a"..."z", "0"..."9": standard.unicodeScalars.append(scalar)
      case "-": standard.append("+")
      case "_": standard.append("/")
      default: return nil
      }
    }
    standard += String(repeating: "=", count: (4 - standard.utf8.count % 4) % 4)
    guard let data = Data(base64Encoded: standard) else { return nil }
    self = [UInt8](data)
    guard base64URL == text else { return nil }
  }

  var base64URL: String {
    Data(self).base64EncodedString()
      .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
  }
}

import ConnectRPC
import Residency

/// Opaque to callers, and no right to anything: a page is decided anew whatever token asks for it.
enum PageToken {
  static func text(for position: String) -> String { Array("1\(position)".utf8).base64URL }

  /// - Returns: the position that the token names; empty for the first page.
  static func position(in token: String) throws(Refusal) -> String {
    guard !token.isEmpty else { return "" }
    guard token.utf8.count <= 1_024, let bytes = [UInt8](base64URL: token), bytes.first == UInt8(ascii: "1"),
      let text = String(validating: bytes.dropFirst(), as: UTF8.self), !text.utf8.contains(0)
    else {
      throw Refusal(
        .invalidArgument, .invalidPageToken, "The page_token is not one that this service gave. Start again without it.")
    }
    return text
  }

  /// 0 means 100; at most 1,000.
  static func size(_ asked: UInt32) throws(Refusal) -> Int {
    guard asked <= 1_000 else {
      throw Refusal(.invalidArgument, .invalidArgument, "A page has at most 1000 items; \(asked) were asked for.")
    }
    return asked == 0 ? 100 : Int(asked)
  }
}

import FoundationEssentials
import SwiftProtobuf

extension ConnectError {
  /// The error as the JSON object of the Connect protocol.
  func wireBytes() -> [UInt8] {
    var body = Domicile_Connect_V1_ErrorBody()
    body.code = code.rawValue
    body.message = message
    body.details = details.map { detail in
      var wire = Domicile_Connect_V1_ErrorBodyDetail()
      wire.type = detail.type
      wire.value = Data(detail.value).base64EncodedString().trimmingPadding
      if let debugJSON = detail.debugJSON, let debug = try? Google_Protobuf_Value(jsonString: debugJSON) {
        wire.debug = debug
      }
      return wire
    }
    do {
      return try body.jsonUTF8Bytes()
    } catch {
      // Only a NaN in a `debug` value could fail, and JSON has none; without details the body is three fixed strings.
      return Array(#"{"code":"\#(code.rawValue)"}"#.utf8)
    }
  }

  /// - Parameters:
  ///   - body: the body of an answer with an error status.
  ///   - httpStatus: the status, from which the code is inferred where the body does not say it.
  init(wireBytes body: [UInt8], httpStatus: Int) {
    var options = JSONDecodingOptions()
    options.ignoreUnknownFields = true
    guard let parsed = try? Domicile_Connect_V1_ErrorBody(jsonUTF8Bytes: body, options: options), !parsed.code.isEmpty else {
      self.init(
        ConnectCode(inferredFromHTTPStatus: httpStatus), reason: "UNEXPECTED_ANSWER",
        "The server answered HTTP status \(httpStatus) without a Connect error.")
      return
    }
    self.init(
      ConnectCode(rawValue: parsed.code) ?? ConnectCode(inferredFromHTTPStatus: httpStatus),
      message: parsed.message,
      details: parsed.details.compactMap { wire in
        guard let value = [UInt8](base64: wire.value) else { return nil }
        return ErrorDetail(type: wire.type, value: value, debugJSON: wire.hasDebug ? try? wire.debug.jsonString() : nil)
      })
  }
}

extension [UInt8] {
  /// Base64 of either alphabet (RFC 4648, sections 4 and 5), with or without padding.
  init?(base64 text: String) {
    var standard = text.trimmingPadding.replacing("-", with: "+").replacing("_", with: "/")
    standard += String(repeating: "=", count: (4 - standard.utf8.count % 4) % 4)
    guard let data = Data(base64Encoded: standard) else { return nil }
    self.init(data)
  }
}

extension String {
  /// The text without base64's padding at its end.
  fileprivate var trimmingPadding: String {
    String(decoding: utf8.prefix { $0 != UInt8(ascii: "=") }, as: UTF8.self)
  }
}

import SwiftProtobuf

/// How messages are written in bodies.
package enum ConnectCodec: String, CaseIterable, Sendable {
  /// ProtoJSON in its canonical form.
  case json
  /// Binary protobuf.
  case proto

  package var contentType: String { "application/\(rawValue)" }

  /// What `Accept-Post` says.
  static let acceptPost = allCases.map(\.contentType).joined(separator: ", ")

  /// - Parameter contentType: a header's value. Of its parameters only `charset=utf-8` is known.
  /// - Returns: `nil` for a type that is not served.
  init?(contentType: String) {
    var parts = contentType.split(separator: ";", omittingEmptySubsequences: false).map { $0.trimmingBlanks.lowercased() }
    let type = parts.removeFirst()
    guard let codec = Self.allCases.first(where: { $0.contentType == type }) else { return nil }
    for parameter in parts where parameter.hasPrefix("charset=") {
      guard ["utf-8", "\"utf-8\"", "utf8"].contains(parameter.dropFirst("charset=".count)) else { return nil }
    }
    self = codec
  }

  /// - Throws: ``ConnectError`` (`invalid_argument`), with a message that quotes nothing from the body.
  func decode<Request: Message>(_ type: Request.Type, from body: [UInt8]) throws(ConnectError) -> Request {
    do {
      switch self {
      case .json:
        var options = JSONDecodingOptions()
        options.ignoreUnknownFields = true
        return try Request(jsonUTF8Bytes: body, options: options)
      case .proto:
        return try Request(serializedBytes: body)
      }
    } catch {
      throw ConnectError(
        .invalidArgument, reason: "MALFORMED_BODY",
        "The body is not a \(Request.protoMessageName) in \(self == .json ? "ProtoJSON" : "binary protobuf"): "
          + "\(Self.explain(error)). Send a message of that type as \(contentType).")
    }
  }

  func encode(_ message: some Message) throws -> [UInt8] {
    switch self {
    case .json: try message.jsonUTF8Bytes()
    case .proto: try message.serializedBytes()
    }
  }

  private static func explain(_ error: any Error) -> String {
    switch error {
    case let error as JSONDecodingError:
      switch error {
      case .malformedNumber: "a number is malformed"
      case .numberRange: "a number is out of its field's range"
      case .malformedString, .invalidUTF8: "a string is malformed"
      case .malformedBool, .malformedMap, .malformedDuration, .malformedTimestamp, .malformedFieldMask, .illegalNull,
        .schemaMismatch, .unquotedMapKey:
        "a field has a value of another type"
      case .unrecognizedEnumValue: "a field has an unknown enum value"
      case .truncated: "it ends too early"
      case .messageDepthLimit: "it is nested too deeply"
      case .trailingGarbage: "something follows the object"
      case .conflictingOneOf: "two fields exclude each other"
      default: "it is malformed"
      }
    case BinaryDecodingError.truncated: "it ends too early"
    case BinaryDecodingError.invalidUTF8: "a string is not UTF-8"
    case BinaryDecodingError.messageDepthLimit: "it is nested too deeply"
    default: "it is malformed"
    }
  }
}

extension StringProtocol {
  /// The text without spaces and tabs at its ends.
  var trimmingBlanks: String {
    let blank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
    guard let first = firstIndex(where: { !blank($0) }), let last = lastIndex(where: { !blank($0) }) else { return "" }
    return String(self[first...last])
  }
}

import HTTPTypes

/// What the header fields (of a POST) or the query (of a GET) say about a call, checked against the wire rules.
struct UnaryRequestHead: Sendable {
  enum Encoding: String, CaseIterable, Sendable {
    case gzip, identity
  }

  /// Why a request is refused before its body is looked at.
  enum Refusal: Error {
    /// HTTP 415, with `Accept-Post`.
    case unsupportedMediaType
    case error(ConnectError)
  }

  var codec: ConnectCodec
  var bodyEncoding: Encoding
  /// Whether the answer may be gzipped.
  var acceptsGzip: Bool
  /// From `Connect-Timeout-Ms`.
  var timeout: Duration?
  /// The message of a GET, still encoded with `bodyEncoding`.
  var messageInQuery: [UInt8]?

  static let supportedEncodings = Encoding.allCases.map(\.rawValue).joined(separator: ", ")

  init(post headers: HTTPFields) throws(Refusal) {
    guard let codec = headers[.contentType].flatMap(ConnectCodec.init(contentType:)) else { throw .unsupportedMediaType }
    self.codec = codec
    try Self.checkVersion(headers[.connectProtocolVersion], expected: "1", name: "Connect-Protocol-Version")
    timeout = try Self.timeout(headers)
    bodyEncoding = try Self.encoding(headers[.contentEncoding])
    acceptsGzip = Self.acceptsGzip(headers)
  }

  init(get query: QueryString, headers: HTTPFields) throws(Refusal) {
    guard let codec = query.text("encoding").flatMap(ConnectCodec.init(rawValue:)) else { throw .unsupportedMediaType }
    self.codec = codec
    try Self.checkVersion(query.text("connect"), expected: "v1", name: "connect")
    timeout = try Self.timeout(headers)
    bodyEncoding = try Self.encoding(query.text("compression"))
    acceptsGzip = Self.acceptsGzip(headers)
    guard let message = query.bytes("message") else {
      throw Self.invalid("MISSING_MESSAGE", "The query has no parameter message. Send the request message in it.")
    }
    if query.text("base64") == "1" {
      guard let decoded = [UInt8](base64: String(decoding: message, as: UTF8.self)) else {
        throw Self.invalid("MALFORMED_BODY", "The parameter message is not base64. Encode it by RFC 4648, section 5.")
      }
      messageInQuery = decoded
    } else {
      messageInQuery = message
    }
  }

  private static func checkVersion(_ version: String?, expected: String, name: String) throws(Refusal) {
    guard version == nil || version == expected else {
      throw invalid("UNSUPPORTED_PROTOCOL_VERSION", "\(name) has an unknown value. Send \(expected), or leave it out.")
    }
  }

  private static func timeout(_ headers: HTTPFields) throws(Refusal) -> Duration? {
    guard let text = headers[.connectTimeoutMs] else { return nil }
    let isValid = (1...10).contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    guard isValid, let milliseconds = Int64(text) else {
      throw invalid("INVALID_TIMEOUT", "Connect-Timeout-Ms is not a number of milliseconds. Send 1 to 10 decimal digits.")
    }
    return .milliseconds(milliseconds)
  }

  private static func encoding(_ name: String?) throws(Refusal) -> Encoding {
    guard let name = name?.trimmingBlanks.lowercased(), !name.isEmpty else { return .identity }
    guard let encoding = Encoding(rawValue: name) else {
      throw .error(
        ConnectError(
          .unimplemented, reason: "UNSUPPORTED_ENCODING",
          "The body's encoding is not supported. Supported are: \(supportedEncodings).",
          metadata: ["supported": supportedEncodings]))
    }
    return encoding
  }

  /// RFC 9110, section 12.5.3: a coding with weight 0 is refused, and `*` stands for those that are not named.
  private static func acceptsGzip(_ headers: HTTPFields) -> Bool {
    var accepted: [String: Bool] = [:]
    for item in headers[values: .acceptEncoding].joined(separator: ",").split(separator: ",") {
      let parts = item.split(separator: ";").map { $0.trimmingBlanks.lowercased() }
      guard let name = parts.first else { continue }
      let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 }
      accepted[name] = weight ?? 1 > 0
    }
    return accepted["gzip"] ?? accepted["*"] ?? false
  }

  private static func invalid(_ reason: String, _ message: String) -> Refusal {
    .error(ConnectError(.invalidArgument, reason: reason, message))
  }
}

extension HTTPField.Name {
  static let connectProtocolVersion = known("Connect-Protocol-Version")
  static let connectTimeoutMs = known("Connect-Timeout-Ms")
  static let acceptPost = known("Accept-Post")

  /// For names that are tokens (RFC 9110, section 5.6.2) as they stand here.
  private static func known(_ name: String) -> HTTPField.Name {
    guard let name = HTTPField.Name(name) else { preconditionFailure("\(name) is not a token") }
    return name
  }
}

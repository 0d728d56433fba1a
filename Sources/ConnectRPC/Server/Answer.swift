import HTTPTypes

/// An answer before it is written.
struct Answer {
  var status: Int
  var headers: HTTPFields
  var body: [UInt8]
  /// The code of a failure.
  var code: ConnectCode?
  /// Whether the answer came before the end of the request's body.
  var leavesRequestUnread = false

  static func success(_ body: [UInt8], codec: ConnectCodec, headers: HTTPFields, gzipFrom bytesMin: Int?) -> Answer {
    var answer = Answer(status: 200, headers: headers, body: body)
    answer.headers[.contentType] = codec.contentType
    answer.headers.setUnlessPresent(.cacheControl, "no-store")
    answer.headers.setUnlessPresent(.vary, "Accept-Encoding")
    if let bytesMin, body.count >= bytesMin, let compressed = Gzip.deflate(body) {
      answer.body = compressed
      answer.headers[.contentEncoding] = "gzip"
    }
    return answer
  }

  static func failure(_ error: ConnectError, headers: HTTPFields = [:], leavesRequestUnread: Bool = false) -> Answer {
    var answer = Answer(
      status: error.code.httpStatus, headers: headers, body: error.wireBytes(), code: error.code,
      leavesRequestUnread: leavesRequestUnread)
    answer.headers[.contentType] = ConnectCodec.json.contentType
    answer.headers.setUnlessPresent(.cacheControl, "no-store")
    if error.reason == "UNSUPPORTED_ENCODING" { answer.headers[.acceptEncoding] = UnaryRequestHead.supportedEncodings }
    if let delay = error.retryDelay {
      let (seconds, attoseconds) = delay.components
      answer.headers[.retryAfter] = String(max(0, seconds + (attoseconds > 0 ? 1 : 0)))
    }
    return answer
  }

  static func raw(_ response: RawResponse, headers: HTTPFields) -> Answer {
    var answer = Answer(status: response.status, headers: headers, body: response.body)
    for field in response.headers { answer.headers[field.name] = field.value }
    answer.headers[.contentType] = response.contentType
    answer.headers.setUnlessPresent(.cacheControl, "no-store")
    if response.status >= 400 { answer.code = ConnectCode(inferredFromHTTPStatus: response.status) }
    return answer
  }

  static var unsupportedMediaType: Answer {
    var answer = failure(
      ConnectError(
        .invalidArgument, reason: "UNSUPPORTED_CONTENT_TYPE",
        "The message's type is not supported. Supported are: \(ConnectCodec.acceptPost)."),
      leavesRequestUnread: true)
    answer.status = 415
    answer.headers[.acceptPost] = ConnectCodec.acceptPost
    return answer
  }

  static func methodNotAllowed(allow: String) -> Answer {
    var answer = failure(
      ConnectError(
        .unimplemented, reason: "METHOD_NOT_ALLOWED", "This path does not take this HTTP method. It takes: \(allow)."),
      leavesRequestUnread: true)
    answer.status = 405
    answer.headers[.allow] = allow
    return answer
  }

  static var notFound: Answer {
    var answer = failure(
      ConnectError(
        .unimplemented, reason: "UNKNOWN_METHOD",
        "There is nothing at this path. A method is called at /<service>/<Method>; upper and lower case matter."),
      leavesRequestUnread: true)
    answer.status = 404
    return answer
  }
}

extension HTTPFields {
  fileprivate mutating func setUnlessPresent(_ name: HTTPField.Name, _ value: String) {
    if self[name] == nil { self[name] = value }
  }
}

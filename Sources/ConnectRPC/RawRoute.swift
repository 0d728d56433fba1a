package import HTTPTypes

/// Something that is not a method: health, metrics, checkpoints, tiles, the protocol of witnesses.
package struct RawRoute: Sendable {
  package typealias Handler = @Sendable (_ path: String, _ query: [String: String], CallContext) async throws -> RawResponse
  package typealias BodyHandler = @Sendable (_ body: [UInt8], CallContext) async throws -> RawResponse

  enum Action: Sendable {
    case get(Handler)
    case post(BodyHandler)
  }

  /// A path such as `/healthz`, or with `/**` at its end everything below it, such as `/tile/**`.
  package let pattern: String
  let action: Action

  /// Answers `GET` and `HEAD`.
  /// - Parameters:
  ///   - path: the path as it came, not percent-decoded.
  ///   - query: the decoded parameters; of several with one name, the first.
  package init(_ pattern: String, _ handler: @escaping Handler) {
    self.pattern = pattern
    action = .get(handler)
  }

  /// Answers `POST`. The body comes whole, as it was sent; a larger one than ``ServerLimits/messageBytesMax`` is refused.
  package init(post pattern: String, _ handler: @escaping BodyHandler) {
    self.pattern = pattern
    action = .post(handler)
  }

  var allow: String {
    switch action {
    case .get: "GET, HEAD"
    case .post: "POST"
    }
  }

  func allows(_ method: HTTPRequest.Method) -> Bool {
    switch action {
    case .get: method == .get || method == .head
    case .post: method == .post
    }
  }
}

package struct RawResponse: Sendable {
  package var status: Int
  package var contentType: String
  package var body: [UInt8]
  package var headers: HTTPFields

  package init(status: Int = 200, contentType: String, body: [UInt8], headers: HTTPFields = [:]) {
    self.status = status
    self.contentType = contentType
    self.body = body
    self.headers = headers
  }

  package init(status: Int = 200, contentType: String = "text/plain; charset=utf-8", text: String, headers: HTTPFields = [:]) {
    self.init(status: status, contentType: contentType, body: Array(text.utf8), headers: headers)
  }
}

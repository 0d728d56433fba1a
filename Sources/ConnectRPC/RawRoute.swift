package import HTTPTypes

/// A GET of something that is not a method: health, metrics, checkpoints, tiles.
package struct RawRoute: Sendable {
  package typealias Handler = @Sendable (_ path: String, _ query: [String: String], CallContext) async throws -> RawResponse

  /// A path such as `/healthz`, or with `/**` at its end everything below it, such as `/tile/**`.
  package let pattern: String
  /// - Parameters:
  ///   - path: the path as it came, not percent-decoded.
  ///   - query: the decoded parameters; of several with one name, the first.
  let handler: Handler

  package init(_ pattern: String, _ handler: @escaping Handler) {
    self.pattern = pattern
    self.handler = handler
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

import AsyncHTTPClient
import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import SwiftProtobuf

/// An answer as it came over the wire.
struct ConnectAnswer: Sendable {
  let status: Int
  let contentType: String
  let contentEncoding: String
  /// The service's own.
  let headers: HTTPFields
  let body: [UInt8]

  /// However long it takes: the task is cancelled at the call's deadline.
  static func receive(
    _ request: HTTPClientRequest, by http: HTTPClient, bytesMax: Int
  ) async -> Result<ConnectAnswer, ConnectError> {
    do {
      let response = try await http.execute(request, deadline: .distantFuture)
      var body: [UInt8] = []
      for try await part in response.body {
        guard body.count + part.readableBytes <= bytesMax else { return .failure(.answerTooLarge(bytesMax: bytesMax)) }
        body.append(contentsOf: part.readableBytesView)
      }
      return .success(
        ConnectAnswer(
          status: Int(response.status.code), contentType: response.headers.first(name: "content-type") ?? "",
          contentEncoding: (response.headers.first(name: "content-encoding") ?? "").lowercased(),
          headers: HTTPFields(response.headers), body: body))
    } catch {
      return .failure(ConnectError(transport: error))
    }
  }

  /// - Throws: the error in the answer, or `internal` where the answer is not one of this protocol.
  func message<Response: Message>(codec: ConnectCodec, contentBytesMax: Int) throws(ConnectError) -> Response {
    let content = try content(bytesMax: contentBytesMax)
    guard status == 200 else {
      guard ConnectCodec(contentType: contentType) == .json else { throw ConnectError(wireBytes: [], httpStatus: status) }
      throw ConnectError(wireBytes: content, httpStatus: status)
    }
    guard ConnectCodec(contentType: contentType) == codec else {
      throw .unexpectedAnswer("The answer's type is not \(codec.contentType). Check that the URL is that of a Connect server.")
    }
    do {
      return try codec.decode(Response.self, from: content)
    } catch {
      throw .unexpectedAnswer("The answer is not a \(Response.protoMessageName) as \(codec.contentType).")
    }
  }

  private func content(bytesMax: Int) throws(ConnectError) -> [UInt8] {
    switch contentEncoding {
    case "", "identity":
      return body
    case "gzip":
      guard !body.isEmpty else { return body }
      do {
        return try Gzip.inflate(body, contentBytesMax: bytesMax)
      } catch {
        switch error {
        case .tooLarge: throw .answerTooLarge(bytesMax: bytesMax)
        case .malformed: throw .unexpectedAnswer("The answer is not gzip, as its Content-Encoding says.")
        }
      }
    default:
      throw .unexpectedAnswer("The answer has an encoding that was not asked for.")
    }
  }
}

extension HTTPFields {
  /// A field whose name is none is left out.
  fileprivate init(_ headers: HTTPHeaders) {
    self.init()
    for (name, value) in headers {
      guard let name = HTTPField.Name(name) else { continue }
      append(HTTPField(name: name, value: value))
    }
  }
}

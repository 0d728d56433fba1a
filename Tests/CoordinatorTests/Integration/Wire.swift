import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Postgres
import Residency
import Testing

/// An HTTP answer, whole.
struct WireAnswer: Sendable {
  let status: Int
  let headers: HTTPHeaders
  let body: [UInt8]

  var text: String { String(decoding: body, as: UTF8.self) }

  func json() throws -> JSONValue { try JSONValue(parsing: body) }
  func code() throws -> String? { try json()["code"]?.stringValue }
  func reason() throws -> String? { try errorInfo()?["reason"]?.stringValue }
  func metadata(_ name: String) throws -> String? { try errorInfo()?["metadata"]?[name]?.stringValue }

  private func errorInfo() throws -> JSONValue? { try json()["details"]?.arrayValue?.first?["debug"] }
}

extension World {
  /// A request as any HTTP client makes it.
  /// - Parameter method: `RecordService/GetRecord`.
  func post(
    _ region: RegionID, _ method: String, _ body: [UInt8], token: String? = nil,
    headers: [(String, String)] = [("content-type", "application/json")]
  ) async throws -> WireAnswer {
    try await send(.POST, "\(url(region))/domicile.v1.\(method)", body, token: token, headers: headers)
  }

  func post(
    _ region: RegionID, _ method: String, json: String, token: String? = nil, headers: [(String, String)] = []
  ) async throws -> WireAnswer {
    try await post(
      region, method, Array(json.utf8), token: token, headers: [("content-type", "application/json")] + headers)
  }

  func get(_ region: RegionID, _ path: String, token: String? = nil) async throws -> WireAnswer {
    try await send(.GET, "\(url(region))\(path)", nil, token: token, headers: [])
  }

  func send(
    _ method: HTTPMethod, _ url: String, _ body: [UInt8]?, token: String?, headers: [(String, String)]
  ) async throws -> WireAnswer {
    var request = HTTPClientRequest(url: url)
    request.method = method
    for (name, value) in headers { request.headers.add(name: name, value: value) }
    if let token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
    if let body { request.body = .bytes(body) }
    let response = try await http.execute(request, timeout: .seconds(30))
    let answer = try await response.body.collect(upTo: 64 * 1_024 * 1_024)
    return WireAnswer(status: Int(response.status.code), headers: response.headers, body: Array(answer.readableBytesView))
  }
}

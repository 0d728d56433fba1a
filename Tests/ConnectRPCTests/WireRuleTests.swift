import ConnectRPC
import Foundation
import HTTPTypes
import NIOHTTP1
import SwiftProtobuf
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(2)))
struct WireRuleTests {
  @Test
  func `each code has the HTTP status of the protocol's table`() {
    let table: [ConnectCode: Int] = [
      .canceled: 499, .unknown: 500, .invalidArgument: 400, .deadlineExceeded: 504, .notFound: 404, .alreadyExists: 409,
      .permissionDenied: 403, .resourceExhausted: 429, .failedPrecondition: 400, .aborted: 409, .outOfRange: 400,
      .unimplemented: 501, .internal: 500, .unavailable: 503, .dataLoss: 500, .unauthenticated: 401,
    ]
    #expect(table.count == ConnectCode.allCases.count)
    for code in ConnectCode.allCases { #expect(code.httpStatus == table[code], "\(code)") }
  }

  @Test
  func `each code reaches the caller with its status and name`() async throws {
    try await TestServer.run { server in
      try await RawHTTP.run { http in
        for code in ConnectCode.allCases {
          let answer = try await http.post(server.url("Fail"), json: #"{"text":"\#(code.rawValue)"}"#)
          #expect(answer.status == code.httpStatus)
          #expect(try answer.code() == code.rawValue)
          #expect(answer.headers.first(name: "content-type") == "application/json")
        }
      }
    }
  }

  @Test
  func `a JSON call is answered in canonical ProtoJSON, unknown fields ignored`() async throws {
    try await TestServer.run { server in
      try await RawHTTP.run { http in
        let answer = try await http.post(
          server.url("Change"), json: #"{"text":"hé","number":"9007199254740993","futureField":{"a":[1]}}"#)
        #expect(answer.status == 200)
        #expect(answer.headers.first(name: "content-type") == "application/json")
        #expect(answer.headers.first(name: "cache-control") == "no-store")
        #expect(answer.headers.first(name: "server") == "domicile")
        #expect(answer.text == #"{"echoedText":"hé","number":"9007199254740993"}"#)
      }
    }
  }

  @Test
  func `a binary call is answered in binary`() async throws {
    try await TestServer.run { server in
      try await RawHTTP.run { http in
        let body: [UInt8] = try Test_V1_EchoRequest("x", number: -1).serializedBytes()
        let answer = try await http.send(.POST, server.url("Change"), [("content-type", "application/proto")], body: body)
        #expect(answer.status == 200)
        #expect(answer.headers.first(name: "content-type") == "application/proto")
        let message = try Test_V1_EchoResponse(serializedBytes: answer.body)
        #expect(message.echoedText == "x")
        #expect(message.number == -1)
      }
    }
  }

  @Test(arguments: [
    "application/json; charset=utf-8", "application/json;charset=UTF-8", "Application/JSON", "application/json; x=y",
  ])
  func `a content type with harmless parameters is served`(contentType: String) async throws {
    try await TestServer.run { server in
      try await RawHTTP.run { http in
        let answer = try await http.send(.POST, server.url("Echo"), [("content-type", contentType)], body: Array("{}".utf8))
        #expect(answer.status == 200)
      }
    }
  }

  @Test(arguments: [
    "text/plain", "application/json; charset=latin1", "application/connect+json", "application/grpc", "application/jsonx", "",
  ])
  func `another content type is refused with the served ones`(contentType: String) async throws {
    let probe = Probe()
    try await TestServer.run(EchoService.methods(probe)) { server in
      try await RawHTTP.run { http in
        let answer = try await http.send(.POST, server.url("Change"), [("content-type", contentType)], body: Array("{}".utf8))
        #expect(answer.status == 415)
        #expect(answer.headers.first(name: "accept-post") == "application/json, application/proto")
        let missing = try await http.send(.POST, server.url("Change"), [], body: Array("{}".utf8))
        #expect(missing.status == 415)
      }
    }
    #expect(probe.calls.withLock { $0 } == 0)
  }

  @Test
  func `another HTTP method is refused with the allowed ones`() async throws {
    try await TestServer.run { server in
      try await RawHTTP.run { http in
        let get = try await http.send(.GET, server.url("Change"))
        #expect(get.status == 405)
        #expect(get.headers.first(name: "allow") == "POST")
        let put = try await http.send(.PUT, server.url("Echo"), body: Array("{}".utf8))
        #expect(put.status == 405)
        #expect(put.headers.first(name: "allow") == "GET, POST")
      }
    }
  }

  @Test
  func `an unknown path is not found, and case matters`() async throws {
    try await TestServer.run { server in
      try await RawHTTP.run { http in
        for path in ["/", "/test.v1.EchoService/echo", "/test.v1.echoservice/Echo", "/test.v1.EchoService/Echo/", "/nothing"] {
          let answer = try await http.post(server.url + path, json: "{}")
          #expect(answer.status == 404, "\(path)")
          #expect(try answer.code() == "unimplemented")
        }
      }
    }
  }

  @Test
  func `only protocol version 1 is spoken`() async throws {
    try await TestServer.run { server in
      try await RawHTTP.run { http in
        let one = try await http.post(server.url("Echo"), json: "{}", [("connect-protocol-version", "1")])
        #expect(one.status == 200)
        let two = try await http.post(server.url("Echo"), json: "{}", [("connect-protocol-version", "2")])
        #expect(two.status == 400)
        #expect(try two.code() == "invalid_argument")
      }
    }
  }

  @Test(arguments: ["", "-1", "1.5", "12345678901", "abc", "1 0", "0x10"])
  func `a malformed timeout is an invalid argument`(timeout: String) async throws {
    try await TestServer.run { server in
      try await RawHTTP.run { http in
        let answer = try await http.post(server.url("Echo"), json: "{}", [("connect-timeout-ms", timeout)])
        #expect(answer.status == 400)
        #expect(try answer.code() == "invalid_argument")
      }
    }
  }

  @Test
  func `a timeout of ten digits is taken and bounded by the server's own`() async throws {
    let probe = Probe()
    try await TestServer.run(EchoService.methods(probe)) { server in
      try await RawHTTP.run { http in
        let long = try await http.post(server.url("Echo"), json: "{}", [("connect-timeout-ms", "9999999999")])
        #expect(long.status == 200)
        let short = try await http.post(server.url("Echo"), json: "{}", [("connect-timeout-ms", "5000")])
        #expect(short.status == 200)
      }
    }
    let deadlines = probe.contexts.withLock { $0.compactMap(\.deadline) }
    try #require(deadlines.count == 2)
    #expect(deadlines[0] - .now <= .seconds(30))
    #expect(deadlines[0] - .now > .seconds(10))
    #expect(deadlines[1] - .now <= .seconds(5))
  }

  @Test(arguments: [
    "{", "[]", #"{"text":1}"#, #"{"number":"marker-4711"}"#, #"{"text":"marker-4711"#, "marker-4711", #"{"text":"a"} x"#, "",
  ])
  func `malformed JSON is an invalid argument, and nothing of it comes back`(body: String) async throws {
    try await TestServer.run { server in
      try await RawHTTP.run { http in
        let answer = try await http.post(server.url("Change"), json: body)
        #expect(answer.status == 400)
        #expect(try answer.code() == "invalid_argument")
        #expect(answer.text.contains("MALFORMED_BODY"))
        #expect(!answer.text.contains("marker-4711"))
      }
    }
  }

  @Test
  func `malformed protobuf is an invalid argument`() async throws {
    try await TestServer.run { server in
      try await RawHTTP.run { http in
        let answer = try await http.send(
          .POST, server.url("Change"), [("content-type", "application/proto")], body: [0x0A, 0x7F, 0x61])
        #expect(answer.status == 400)
        #expect(try answer.code() == "invalid_argument")
      }
    }
  }

  @Test
  func `error details carry type, unpadded base64 and a readable form`() async throws {
    try await TestServer.run { server in
      try await RawHTTP.run { http in
        let answer = try await http.post(server.url("Fail"), json: #"{"text":"aborted","number":"77"}"#)
        let details = try #require(try answer.json()["details"] as? [[String: Any]])
        let detail = try #require(details.first)
        #expect(detail["type"] as? String == "google.rpc.ErrorInfo")
        let value = try #require(detail["value"] as? String)
        #expect(!value.contains("="))
        // Field 1 "TEST_REASON", field 2 "domicile", field 3 {"number": "77"}, written out by hand.
        let expected =
          [0x0A, 11] + Array("TEST_REASON".utf8) + [0x12, 8] + Array("domicile".utf8)
          + [0x1A, 12, 0x0A, 6] + Array("number".utf8) + [0x12, 2] + Array("77".utf8)
        #expect(Data(base64Encoded: value + String(repeating: "=", count: (4 - value.count % 4) % 4)) == Data(expected))
        let debug = try #require(detail["debug"] as? [String: Any])
        #expect(debug["reason"] as? String == "TEST_REASON")
        #expect(debug["domain"] as? String == "domicile")
        #expect(debug["metadata"] as? [String: String] == ["number": "77"])
      }
    }
  }

  @Test
  func `an unexpected error is internal, says nothing of itself, and is logged under its identifier`() async throws {
    try await TestServer.run { server in
      try await RawHTTP.run { http in
        let answer = try await http.post(server.url("Fail"), json: #"{"text":"surprise"}"#)
        #expect(answer.status == 500)
        #expect(try answer.code() == "internal")
        #expect(!answer.text.contains("SELECT"))
        let details = try #require(try answer.json()["details"] as? [[String: Any]])
        let debug = try #require(details.first?["debug"] as? [String: Any])
        let metadata = try #require(debug["metadata"] as? [String: String])
        let identifier = try #require(metadata["error_id"])
        #expect(server.log.all.contains { $0.contains("SELECT secret") && $0.contains(identifier) })
      }
    }
  }

  @Test
  func `a handler's header fields go out, and replace the default caching rule`() async throws {
    try await TestServer.run { server in
      try await RawHTTP.run { http in
        let answer = try await http.post(server.url("Headers"), json: #"{"text":"tag-1"}"#)
        #expect(answer.headers.first(name: "etag") == "tag-1")
        #expect(answer.headers["cache-control"] == ["max-age=60"])
      }
    }
  }

  @Test
  func `GET calls a method without side effects`() async throws {
    try await TestServer.run { server in
      try await RawHTTP.run { http in
        let url = server.url("Echo")
        let json = try await http.send(.GET, "\(url)?connect=v1&encoding=json&message=%7B%22text%22%3A%22a%20b%2Bc%22%7D", [])
        #expect(json.text == #"{"echoedText":"a b+c"}"#)
        #expect(json.headers.first(name: "cache-control") == "no-store")

        let bytes: [UInt8] = try Test_V1_EchoRequest("binary", words: ["~~~", "???"]).serializedBytes()
        for message in [Data(bytes).base64EncodedString(), urlSafe(bytes)] {
          let escaped = message.replacing("+", with: "%2B").replacing("=", with: "%3D").replacing("/", with: "%2F")
          let binary = try await http.send(.GET, "\(url)?connect=v1&encoding=proto&base64=1&message=\(escaped)", [])
          #expect(try Test_V1_EchoResponse(serializedBytes: binary.body).words == ["~~~", "???"])
        }

        let long = #"{"text":"\#(String(repeating: "z", count: 500))"}"#
        let zipped = urlSafe(try gzipped(Array(long.utf8)))
        let gzip = try await http.send(.GET, "\(url)?connect=v1&encoding=json&base64=1&compression=gzip&message=\(zipped)", [])
        #expect(gzip.status == 200)
        #expect(gzip.text.contains("zzzz"))
      }
    }
  }

  @Test(arguments: [
    ("connect=v1&message=%7B%7D", 415), ("encoding=xml&message=%7B%7D", 415), ("connect=v2&encoding=json&message=%7B%7D", 400),
    ("encoding=json", 400), ("encoding=json&base64=1&message=!!", 400), ("encoding=json&message=%7B", 400),
    ("encoding=json&compression=br&message=%7B%7D", 501), ("encoding=json&compression=gzip&message=%7B%7D", 400),
  ])
  func `a GET that breaks a rule is refused`(query: String, status: Int) async throws {
    try await TestServer.run { server in
      try await RawHTTP.run { http in
        let answer = try await http.send(.GET, "\(server.url("Echo"))?\(query)", [])
        #expect(answer.status == status)
        #expect(answer.headers.first(name: "content-type") == "application/json")
      }
    }
  }

  private func urlSafe(_ bytes: [UInt8]) -> String {
    Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
  }
}

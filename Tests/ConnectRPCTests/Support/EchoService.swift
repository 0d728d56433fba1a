import ConnectRPC
import HTTPTypes
import SwiftProtobuf
import Synchronization

/// What the handlers of one test show and wait for.
final class Probe: Sendable {
  let started = Latch()
  let cancelled = Latch()
  let release = Latch()
  let finished = Latch()
  let contexts = Mutex<[CallContext]>([])
  let calls = Mutex(0)
}

struct SecretFailure: Error, CustomStringConvertible {
  var description: String { "SELECT secret FROM table" }
}

enum EchoService {
  static let name = "test.v1.EchoService"

  static func methods(_ probe: Probe = Probe()) -> [UnaryMethod] {
    [
      UnaryMethod(name, "Echo", noSideEffects: true) { (request: Test_V1_EchoRequest, context) in
        probe.contexts.withLock { $0.append(context) }
        return echo(request)
      },
      UnaryMethod(name, "Change") { (request: Test_V1_EchoRequest, context) in
        probe.contexts.withLock { $0.append(context) }
        probe.calls.withLock { $0 += 1 }
        return echo(request)
      },
      UnaryMethod(name, "Fail") { (request: Test_V1_EchoRequest, _) -> Test_V1_EchoResponse in
        guard let code = ConnectCode(rawValue: request.text) else { throw SecretFailure() }
        throw ConnectError(code, reason: "TEST_REASON", "It was asked to fail.", metadata: ["number": "\(request.number)"])
      },
      UnaryMethod(name, "Headers") { (request: Test_V1_EchoRequest, context) in
        context.responseHeaders[.cacheControl] = "max-age=60"
        context.responseHeaders[.eTag] = request.text
        return echo(request)
      },
      // Waits until it is cancelled.
      UnaryMethod(name, "Wait") { (_: Test_V1_EchoRequest, context) -> Test_V1_EchoResponse in
        probe.contexts.withLock { $0.append(context) }
        probe.started.open()
        do {
          while true { try await Task.sleep(for: .seconds(3_600)) }
        } catch {
          probe.cancelled.open()
          throw error
        }
      },
      // Waits for `release`, whatever happens to its caller. Its answer has as many more words as the request's number says.
      UnaryMethod(name, "Stubborn") { (request: Test_V1_EchoRequest, _) in
        probe.started.open()
        await probe.release.wait()
        probe.finished.open()
        var answer = echo(request)
        answer.words += Array(repeating: "word", count: Int(request.number))
        return answer
      },
    ]
  }

  private static func echo(_ request: Test_V1_EchoRequest) -> Test_V1_EchoResponse {
    .with {
      $0.echoedText = request.text
      $0.number = request.number
      $0.words = request.words
    }
  }
}

extension Test_V1_EchoRequest {
  init(_ text: String, number: Int64 = 0, words: [String] = []) {
    self.init()
    self.text = text
    self.number = number
    self.words = words
  }
}

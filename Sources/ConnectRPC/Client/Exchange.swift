import AsyncHTTPClient
import NIOCore
import Synchronization

/// One request and its answer, with an end that does not wait for the network.
///
/// Two things of HTTP/2 make it more than a task that is cancelled:
/// - The HTTP library counts a stream as taken for good where its request ended before its head was written. A connection has a hundred;
///   with none left no call reaches that server again. So a request that is given up early goes on until its head is out, and ends there,
///   without its message, or when there is no connection for it in time.
/// - A server takes too many reset streams for an attack (``ServerLimits/resetsMax``; of other makers often fewer), and closes the connection with every call on it. It knows
///   the deadline: at the deadline the stream is left to it for a while.
///
/// ```
/// ready -> asking (answer) -> ended (answered, cancelled, or overdue)
/// ```
final class Exchange: Sendable {
  private typealias Answer = Result<ConnectAnswer, ConnectError>

  private struct State {
    /// Until the exchange has ended.
    var caller: CheckedContinuation<Answer, Never>?
    var work: Task<Void, Never>?
    var hasEnded = false
    var headIsWritten = false
  }

  private let state = Mutex(State())
  private let request: HTTPClientRequest
  private let body: [UInt8]
  private let http: HTTPClient
  private let answerBytesMax: Int

  /// How long after the deadline a server may take to end the stream itself: well beyond the second after which it resets one whose request it
  /// has not read, so that both do not speak of it at once.
  private static let overdueMax = Duration.seconds(10)

  /// - Parameter request: without its body.
  init(_ request: HTTPClientRequest, body: [UInt8], by http: HTTPClient, answerBytesMax: Int) {
    self.request = request
    self.body = body
    self.http = http
    self.answerBytesMax = answerBytesMax
  }

  /// Asks, once. Ends early where the calling task is cancelled.
  func answer(within timeout: Duration) async -> Result<ConnectAnswer, ConnectError> {
    await withTaskCancellationHandler {
      await withCheckedContinuation { caller in
        let hasEnded = state.withLock { state in
          guard !state.hasEnded else { return true }
          state.caller = caller
          let clock = Task { await watch(timeout) }
          state.work = Task {
            end(with: await ConnectAnswer.receive(whole, by: http, bytesMax: answerBytesMax))
            clock.cancel()
          }
          return false
        }
        if hasEnded { caller.resume(returning: .failure(.callCanceled)) }
      }
    } onCancel: {
      end(with: .failure(.callCanceled))
      stop()
    }
  }

  private var whole: HTTPClientRequest {
    var request = request
    // An empty message of known length would be no stream: nobody would say that the head is written.
    request.body = .stream(Message(exchange: self), length: body.isEmpty ? .unknown : .known(Int64(body.count)))
    return request
  }

  private func watch(_ timeout: Duration) async {
    do {
      try await Task.sleep(for: timeout)
      end(with: .failure(.noAnswerInTime))
      try await Task.sleep(for: Self.overdueMax)
      stop()
    } catch {}
  }

  /// Only the first end counts.
  private func end(with answer: Answer) {
    let caller = state.withLock { state in
      state.hasEnded = true
      return state.caller.take()
    }
    caller?.resume(returning: answer)
  }

  private func stop() { state.withLock { $0.headIsWritten ? $0.work : nil }?.cancel() }

  /// - Returns: whether the message is still to be sent.
  private func headIsWritten() -> Bool {
    state.withLock { state in
      state.headIsWritten = true
      return !state.hasEnded
    }
  }

  /// The request's message. The library asks for it when the head is written.
  private struct Message: AsyncSequence, Sendable {
    let exchange: Exchange

    struct AsyncIterator: AsyncIteratorProtocol {
      let exchange: Exchange
      var isSent = false

      mutating func next() async throws -> ByteBuffer? {
        guard exchange.headIsWritten() else { throw CancellationError() }
        guard !isSent, !exchange.body.isEmpty else { return nil }
        isSent = true
        return ByteBuffer(bytes: exchange.body)
      }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(exchange: exchange) }
  }
}

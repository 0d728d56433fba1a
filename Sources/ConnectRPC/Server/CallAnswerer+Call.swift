import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

extension CallAnswerer {
  /// - Throws: `HTTPParserError`, which the server library answers.
  func call(
    _ method: UnaryMethod, _ head: Result<UnaryRequestHead, UnaryRequestHead.Refusal>, _ arrival: Arrival
  ) async throws -> Answer {
    let request: UnaryRequestHead
    switch head {
    case .success(let head): request = head
    case .failure(.unsupportedMediaType): return .unsupportedMediaType
    case .failure(.error(let error)): return .failure(error, leavesRequestUnread: true)
    }
    return try await bounded(method.path, arrival, timeout: request.timeout) {
      try await readMessage(request, arrival)
    } answering: { message, context in
      .success(
        try await method.invoke(request.codec, message, context), codec: request.codec, headers: context.responseHeaders.all,
        gzipFrom: request.acceptsGzip ? limits.compressedAnswerBytesMin : nil)
    }
  }

  /// - Throws: `HTTPParserError`, which the server library answers.
  func post(_ pattern: String, _ handler: @escaping RawRoute.BodyHandler, _ arrival: Arrival) async throws -> Answer {
    try await bounded(pattern, arrival, timeout: nil) {
      try await readBody(arrival.request)
    } answering: { body, context in
      .raw(try await handler(body, context), headers: context.responseHeaders.all)
    }
  }

  /// One of the calls at work, which are bounded in number and in time: reads its message, then answers it.
  private func bounded(
    _ label: String, _ arrival: Arrival, timeout: Duration?, reading read: @escaping @Sendable () async throws -> [UInt8],
    answering answer: @escaping @Sendable ([UInt8], CallContext) async throws -> Answer
  ) async throws -> Answer {
    switch registry.enter() {
    case .entered: break
    case .overloaded: return .failure(.overloaded, leavesRequestUnread: true)
    case .stopping: return .failure(.stopping, leavesRequestUnread: true)
    }
    // The answer to an HTTP/2 call has left when its stream is closed. One on HTTP/1.1 holds its connection open by itself.
    defer { if arrival.peer.isHTTP2 { arrival.peer.onGone { registry.answered() } } else { registry.answered() } }
    let deadline = arrival.started + min(timeout ?? limits.deadlineMax, limits.deadlineMax)
    let context = context(of: arrival, method: label, deadline: deadline)
    let supervisor = CallSupervisor(on: EventLoopExecutor(arrival.channel.eventLoop))
    let timer = supervise(supervisor, arrival, until: deadline)
    defer {
      timer.cancel()
      arrival.peer.onGone(nil)
    }
    let message: [UInt8]
    do {
      message = try await supervisor.waitingForEnd { try await read() }
    } catch {
      registry.leave()
      if error is HTTPParserError { throw error }
      return failure(error, context, wasReading: true)
    }
    do {
      return try await supervisor.answeringAtEnd {
        try await answer(message, context)
      } finally: {
        registry.leave()
      }
    } catch {
      return failure(error, context, wasReading: false)
    }
  }

  func get(_ pattern: String, _ handler: @escaping RawRoute.Handler, _ arrival: Arrival) async -> Answer {
    registry.enterUnbounded()
    let deadline = arrival.started + limits.deadlineMax
    let context = context(of: arrival, method: pattern, deadline: deadline)
    let supervisor = CallSupervisor(on: EventLoopExecutor(arrival.channel.eventLoop))
    let timer = supervise(supervisor, arrival, until: deadline)
    defer {
      timer.cancel()
      arrival.peer.onGone(nil)
    }
    do {
      let response = try await supervisor.answeringAtEnd {
        try await handler(arrival.path, arrival.query.texts, context)
      } finally: {
        registry.leave()
      }
      return .raw(response, headers: context.responseHeaders.all)
    } catch {
      return failure(error, context, wasReading: false)
    }
  }

  private func context(of arrival: Arrival, method: String, deadline: ContinuousClock.Instant) -> CallContext {
    CallContext(
      headers: arrival.request.headers, peerCertificates: arrival.peer.certificates,
      remoteAddress: arrival.channel.remoteAddress?.ipAddress, deadline: deadline, method: method,
      requestNumber: arrival.number, isServerStopping: isStopping)
  }

  private func supervise(
    _ supervisor: CallSupervisor, _ arrival: Arrival, until deadline: ContinuousClock.Instant
  ) -> Scheduled<Void> {
    arrival.peer.onGone { supervisor.end(.peerGone) }
    let left = deadline - .now
    if left <= .zero { supervisor.end(.deadline) }
    return arrival.channel.eventLoop.scheduleTask(in: TimeAmount(max(left, .zero))) { supervisor.end(.deadline) }
  }

  private func readMessage(_ request: UnaryRequestHead, _ arrival: Arrival) async throws -> [UInt8] {
    let encoded: [UInt8]
    if let message = request.messageInQuery {
      encoded = message
    } else {
      encoded = try await readBody(arrival.request)
    }
    // An empty message may come with any encoding: it is not worth one.
    guard request.bodyEncoding == .gzip, !encoded.isEmpty else { return encoded }
    do {
      return try Gzip.inflate(encoded, contentBytesMax: limits.messageBytesMax)
    } catch {
      switch error {
      case .tooLarge:
        throw ConnectError.messageTooLarge(bytesMax: limits.messageBytesMax)
      case .malformed:
        throw ConnectError(
          .invalidArgument, reason: "MALFORMED_BODY",
          "The message is not gzip, though the request says so. Send it whole, or as it is.")
      }
    }
  }

  private func readBody(_ request: Request) async throws -> [UInt8] {
    let bytesMax = limits.messageBytesMax
    let declared = request.headers[.contentLength].flatMap { Int($0) } ?? 0
    guard declared <= bytesMax else { throw UnreadBody(error: .messageTooLarge(bytesMax: bytesMax)) }
    var body: [UInt8] = []
    body.reserveCapacity(declared)
    for try await part in request.body {
      guard body.count + part.readableBytes <= bytesMax else { throw UnreadBody(error: .messageTooLarge(bytesMax: bytesMax)) }
      body.append(contentsOf: part.readableBytesView)
    }
    // A cancelled read looks like the end of the body.
    try Task.checkCancellation()
    return body
  }

  private func failure(_ error: any Error, _ context: CallContext, wasReading: Bool) -> Answer {
    let headers = context.responseHeaders.all
    switch error {
    case let error as ConnectError:
      return .failure(error, headers: headers)
    case let unread as UnreadBody:
      return .failure(unread.error, headers: headers, leavesRequestUnread: true)
    case CallSupervisor.End.deadline:
      return .failure(.deadlineExceeded, headers: headers, leavesRequestUnread: wasReading)
    case CallSupervisor.End.serverStopped:
      return .failure(.serverStopped, headers: headers, leavesRequestUnread: wasReading)
    case CallSupervisor.End.peerGone, is CancellationError:
      return .failure(.callerGone, headers: headers, leavesRequestUnread: wasReading)
    case _ where wasReading:
      return .failure(.callerGone, headers: headers, leavesRequestUnread: true)
    default:
      let identifier = errorIdentifier(context)
      logger.error(
        "A handler failed",
        metadata: [
          "error_id": .string(identifier), "method": .string(context.method), "error": .string("\(type(of: error)): \(error)"),
        ])
      return .failure(.internal(identifier: identifier), headers: headers)
    }
  }
}

/// An error that leaves a part of the request's body unread.
private struct UnreadBody: Error {
  let error: ConnectError
}

import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import Synchronization

/// What the server library tells about a request's connection.
struct ConnectionContext: InitializableFromSource {
  let channel: any Channel

  init(source: ApplicationRequestContextSource) {
    channel = source.channel
  }
}

/// A request with its place and time of arrival.
struct Arrival: Sendable {
  let request: Request
  let channel: any Channel
  let peer: Peer
  /// Without the query.
  let path: String
  let query: QueryString
  let number: UInt64
  let started: ContinuousClock.Instant
}

/// Answers every request: finds its handler, holds it to limits and deadline, and writes the answer by the wire rules.
struct CallAnswerer: HTTPResponder {
  typealias Context = ConnectionContext

  let router: ConnectRouter
  let limits: ServerLimits
  let metrics: ServerMetrics
  let registry: CallRegistry
  let peers = PeerTable()
  let logger: Logger
  private let shared = SharedState()

  private final class SharedState: Sendable {
    let requestNumber = Atomic<UInt64>(0)
    let isStopping = Atomic(false)
    /// Tells this run's log lines from those of an earlier one, which counted from 1 too.
    let run = String(UInt32.random(in: .min ... .max), radix: 36)
  }

  init(router: ConnectRouter, limits: ServerLimits, metrics: ServerMetrics, logger: Logger) {
    self.router = router
    self.limits = limits
    self.metrics = metrics
    self.logger = logger
    registry = CallRegistry(callsMax: limits.callsInFlightMax)
  }

  /// From now on no call is taken, and each HTTP/1.1 answer is its connection's last.
  func stop() {
    shared.isStopping.store(true, ordering: .relaxed)
    registry.stop()
  }

  var isStopping: Bool { shared.isStopping.load(ordering: .relaxed) }

  /// Names one failure in the log and to the caller.
  func errorIdentifier(_ context: CallContext) -> String { "\(shared.run)-\(context.requestNumber)" }

  func respond(to request: Request, context: ConnectionContext) async throws -> Response {
    let path = request.head.path ?? ""
    let arrival = Arrival(
      request: request, channel: context.channel, peer: try peers.peer(of: context.channel),
      path: String(path.prefix { $0 != "?" }), query: QueryString(ofPath: path),
      number: shared.requestNumber.add(1, ordering: .relaxed).newValue, started: .now)
    let (label, answer) = try await answer(arrival)
    let elapsed = ContinuousClock.now - arrival.started
    let code = answer.code?.rawValue ?? "ok"
    metrics.answered(method: label, code: code, after: elapsed, inFlight: registry.count)
    logger.debug(
      "Answered",
      metadata: [
        "request": .stringConvertible(arrival.number), "method": .string(label), "code": .string(code), "elapsed": "\(elapsed)",
      ])
    return response(answer, to: arrival)
  }

  /// - Returns: the answer, and the name under which metrics count it.
  private func answer(_ arrival: Arrival) async throws -> (String, Answer) {
    switch router.destination(arrival.request.method, path: arrival.path) {
    case .call(let method):
      let head = Result { () throws(UnaryRequestHead.Refusal) in try UnaryRequestHead(post: arrival.request.headers) }
      return (method.path, try await call(method, head, arrival))
    case .callByGet(let method):
      let head = Result { () throws(UnaryRequestHead.Refusal) in
        try UnaryRequestHead(get: arrival.query, headers: arrival.request.headers)
      }
      return (method.path, try await call(method, head, arrival))
    case .raw(let route):
      switch route.action {
      case .get(let handler): return (route.pattern, await get(route.pattern, handler, arrival))
      case .post(let handler): return (route.pattern, try await post(route.pattern, handler, arrival))
      }
    case .methodNotAllowed(let allow):
      return ("none", .methodNotAllowed(allow: allow))
    case .notFound:
      return ("none", .notFound)
    }
  }

  private func response(_ answer: Answer, to arrival: Arrival) -> Response {
    var headers = answer.headers
    let closes = answer.leavesRequestUnread && !requestEndIsNear(arrival)
    if !arrival.peer.isHTTP2, closes || isStopping { headers[.connection] = "close" }
    let status = HTTPResponse.Status(integerLiteral: answer.status)
    let buffer = ByteBuffer(bytes: answer.body)
    if arrival.request.method == .head {
      headers[.contentLength] = String(buffer.readableBytes)
      return Response(status: status, headers: headers)
    }
    guard closes else { return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: buffer)) }
    let channel = arrival.channel
    let linger = TimeAmount(limits.lingerTimeout)
    let body = ResponseBody(contentLength: buffer.readableBytes) { writer in
      try await writer.write(buffer)
      try await writer.finish(nil)
      channel.eventLoop.scheduleTask(in: linger) { channel.close(promise: nil) }
    }
    return Response(status: status, headers: headers, body: body)
  }

  /// Whether what is left of the request is known to be small, so that reading it costs less than a new connection.
  private func requestEndIsNear(_ arrival: Arrival) -> Bool {
    let headers = arrival.request.headers
    if let length = headers[.contentLength] { return Int(length).map { $0 <= limits.messageBytesMax } ?? false }
    return headers[.transferEncoding] == nil && !arrival.peer.isHTTP2
  }
}

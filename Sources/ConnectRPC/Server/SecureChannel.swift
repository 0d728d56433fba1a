import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP2
import NIOHTTPTypes
import NIOHTTPTypesHTTP2
import NIOSSL
import NIOTLS

/// A connection with TLS, which speaks HTTP/2 or HTTP/1.1 as the peer likes.
///
/// Each stream's work begins where the stream does. The server library has the streams wait in a sequence for a task that takes them out; one
/// that comes in when that task has ended, or is cancelled, is dropped with a trap that ends the process.
struct SecureChannel: ServerChildChannel {
  struct Value: ServerChildChannelValue {
    let channel: any Channel
    fileprivate let tasks: ConnectionTasks
  }

  private let tls: NIOSSLContext
  private let limits: ServerLimits
  private let streamHandlers: @Sendable () -> [any RemovableChannelHandler]
  private let http1: HTTP1Channel

  /// - Parameters:
  ///   - http1: what a connection or a stream is given besides its protocol.
  /// - Throws: what the TLS library says of certificate and key.
  init(
    _ tls: TLSConfiguration, limits: ServerLimits, http1: HTTP1Channel.Configuration,
    responder: @escaping HTTPChannelHandler.Responder
  ) throws {
    var tls = tls
    tls.applicationProtocols = ["h2", "http/1.1"]
    tls.shutdownTimeout = TimeAmount(limits.lingerTimeout)
    self.tls = try NIOSSLContext(configuration: tls)
    self.limits = limits
    streamHandlers = http1.additionalChannelHandlers
    self.http1 = HTTP1Channel(responder: responder, configuration: http1)
  }

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
    channel.eventLoop.makeCompletedFuture {
      let tasks = ConnectionTasks(on: EventLoopExecutor(channel.eventLoop))
      let negotiation = ApplicationProtocolNegotiationHandler { result, channel in
        guard !tasks.isQuiescing else { return channel.close() }
        return switch result {
        case .negotiated("h2"): addHTTP2(to: channel, tasks, logger)
        case .negotiated("http/1.1"), .fallback: addHTTP1(to: channel, tasks, logger)
        case .negotiated: channel.close()
        }
      }
      try channel.pipeline.syncOperations.addHandlers([
        NIOSSLServerHandler(context: tls), SharedFlush(), HandshakeRecord(timeout: TimeAmount(limits.handshakeTimeout)),
        OrderlyClose(timeout: TimeAmount(limits.flushTimeout)),
        QuietEnd(tasks, after: TimeAmount(limits.lingerTimeout)), negotiation,
      ])
      // A peer that ends its output has left; else its connection would wait out a TLS shutdown that it no longer answers.
      try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: false)
      return Value(channel: channel, tasks: tasks)
    }
  }

  /// Returns when the connection is closed, and all that it asked for has ended.
  func handle(value: Value, logger: Logger) async {
    await withTaskCancellationHandler {
      try? await value.channel.closeFuture.get()
      await value.tasks.ended()
    } onCancel: {
      value.tasks.cancel { value.channel.close(promise: nil) }
    }
  }

  private func addHTTP1(to channel: any Channel, _ tasks: ConnectionTasks, _ logger: Logger) -> EventLoopFuture<Void> {
    http1.setup(channel: channel, logger: logger).map { value in
      tasks.start { await http1.handle(value: value, logger: logger) }
    }
  }

  private func addHTTP2(to channel: any Channel, _ tasks: ConnectionTasks, _ logger: Logger) -> EventLoopFuture<Void> {
    channel.eventLoop.makeCompletedFuture {
      let manager = NIOHTTP2ServerConnectionManagementHandler(
        eventLoop: channel.eventLoop,
        configuration: .init(
          maxIdleTime: TimeAmount(limits.idleTimeout), maxAge: nil, maxGraceTime: TimeAmount(limits.drainTimeout), keepalive: nil)
      )
      var connection = NIOHTTP2Handler.ConnectionConfiguration()
      // Callers that give up speak of streams that were answered long ago; the library would remember 32.
      connection.maximumRecentlyResetStreams = 4_096
      var streams = NIOHTTP2Handler.StreamConfiguration()
      streams.streamResetFrameRateLimit.maximumCount = limits.resetsMax
      streams.streamResetFrameRateLimit.windowLength = TimeAmount(limits.resetsWindow)
      let http2 = NIOHTTP2Handler(
        mode: .server, eventLoop: channel.eventLoop, connectionConfiguration: connection, streamConfiguration: streams,
        streamDelegate: manager.http2StreamDelegate
      ) { stream in
        stream.eventLoop.makeCompletedFuture { try begin(stream, tasks, logger) }
      }
      try channel.pipeline.syncOperations.addHandlers([
        http2, QuietEnd(tasks, after: TimeAmount(limits.lingerTimeout * 2), isForced: true), manager, ErrorClose(),
      ])
    }
  }

  private func begin(_ stream: any Channel, _ tasks: ConnectionTasks, _ logger: Logger) throws {
    try stream.pipeline.syncOperations.addHandler(HTTP2FramePayloadToHTTPServerCodec())
    try stream.pipeline.syncOperations.addHandlers(streamHandlers())
    let parts = try NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>(wrappingChannelSynchronously: stream)
    tasks.start { await http1.handleHTTP(asyncChannel: parts, logger: logger) }
  }
}

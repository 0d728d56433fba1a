import Hummingbird
import HummingbirdCore
package import Logging
package import Metrics
import NIOCore
import NIOPosix
import NIOSSL
import ServiceLifecycle

/// Serves unary Connect methods, and some plain GETs, over HTTP/1.1 and HTTP/2 with TLS, or HTTP/1.1 on loopback.
///
/// On graceful shutdown it refuses new calls, finishes those at work, and then closes its port and each connection after its last answer.
package struct ConnectServer: Service {
  private let configuration: ConnectServerConfiguration
  private let answerer: CallAnswerer
  private let tls: TLSConfiguration?
  private let logger: Logger
  private let onStart: @Sendable (_ port: Int) async -> Void

  /// - Parameters:
  ///   - metricsFactory: where calls are counted; the process's own by default.
  ///   - onStart: called with the bound port once connections are accepted.
  /// - Throws: ``ConnectServerError``, or ``TLSFileError`` where a certificate or key cannot be read.
  package init(
    configuration: ConnectServerConfiguration, methods: [UnaryMethod], rawRoutes: [RawRoute] = [], logger: Logger,
    metricsFactory: any MetricsFactory = MetricsSystem.factory,
    onStart: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
  ) throws {
    if configuration.tls == nil, !["127.0.0.1", "::1", "localhost"].contains(configuration.host) {
      throw ConnectServerError.insecureAddress(host: configuration.host)
    }
    self.configuration = configuration
    self.logger = logger
    self.onStart = onStart
    tls = try configuration.tls.map { try $0.configuration() }
    answerer = CallAnswerer(
      router: try ConnectRouter(methods: methods, rawRoutes: rawRoutes),
      limits: configuration.limits, metrics: ServerMetrics(factory: metricsFactory), logger: logger)
  }

  /// Serves until graceful shutdown or cancellation. A handler that ignores its cancellation is waited for.
  package func run() async throws {
    let limits = configuration.limits
    let application = Application(
      responder: answerer,
      server: server(),
      configuration: ApplicationConfiguration(
        address: .hostname(configuration.host, port: configuration.port),
        serverName: configuration.serverName,
        availableConnectionsDelegate: .maximum(limits.connectionsMax, logger: logger)),
      onServerRunning: { channel in await onStart(channel.localAddress?.port ?? configuration.port) },
      eventLoopGroupProvider: .singleton,
      logger: logger)
    do {
      try await runUntilDrained(application)
    } catch {
      await answerer.registry.drained()
      throw error
    }
    await answerer.registry.drained()
  }

  private enum Step { case ended, drained, overdue }

  /// The server library is told to stop once no call is under way: told earlier, it takes a stream that a peer opens before it has
  /// seen the GOAWAY as an error of the connection, and closes that with every call on it.
  ///
  /// A peer that does not read its answer cannot keep a stopping server up for longer than a call may take.
  private func runUntilDrained(_ application: Application<CallAnswerer>) async throws {
    let services = ServiceGroup(configuration: ServiceGroupConfiguration(services: [application], logger: logger))
    // A task of its own: a nested group would stop together with the one around it.
    let serving = Task.detached { try await services.run() }
    let drainTimeout = configuration.limits.drainTimeout
    try await withThrowingTaskGroup(of: Step.self) { group in
      group.addTask {
        try await withTaskCancellationHandler {
          try await serving.value
        } onCancel: {
          serving.cancel()
        }
        return .ended
      }
      group.addTask {
        do { try await gracefulShutdown() } catch { return .ended }
        answerer.stop()
        await answerer.registry.drained()
        await services.triggerGracefulShutdown()
        return .drained
      }
      group.addTask {
        do {
          try await gracefulShutdown()
          try await Task.sleep(for: drainTimeout)
        } catch { return .ended }
        return .overdue
      }
      var step = try await group.next()
      if step == .drained { step = try await group.next() }
      defer { group.cancelAll() }
      guard step == .overdue else { return }
      if !Task.isCancelled { logger.warning("Connections are still open after the longest call: they are closed now") }
      group.cancelAll()
      do {
        try await group.waitForAll()
      } catch is CancellationError {}
    }
  }

  private func server() -> HTTPServerBuilder {
    let limits = configuration.limits
    let peers = answerer.peers
    let http1 = HTTP1Channel.Configuration(
      additionalChannelHandlers: [OrderlyClose(timeout: TimeAmount(limits.flushTimeout)), StreamWatch(peers)],
      idleTimeout: TimeAmount(limits.idleTimeout),
      httpDecoderConfiguration: .init(
        maxHeaderFieldSize: limits.headerBytesMax, maxHeaderListSize: limits.headerBytesMax, maxHeaderFieldCount: 200))
    guard let tls else {
      return HTTPServerBuilder { ThreadKeepingChannel(base: HTTP1Channel(responder: $0, configuration: http1)) }
    }
    return HTTPServerBuilder { responder in try SecureChannel(tls, limits: limits, http1: http1, responder: responder) }
  }
}

extension ConnectServer: CustomStringConvertible {
  package var description: String { "ConnectServer \(configuration.host):\(configuration.port)" }
}

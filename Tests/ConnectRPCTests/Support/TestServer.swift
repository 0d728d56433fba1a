import ConnectRPC
import Logging
import Metrics
import ServiceLifecycle
import Synchronization

/// A server on a loopback port of its own.
struct TestServer: Sendable {
  let port: Int
  let scheme: String
  let services: ServiceGroup
  let log: LogLines
  /// Opens once the server has ended.
  let stopped: Latch

  var url: String { "\(scheme)://localhost:\(port)" }
  func url(_ method: String) -> String { "\(url)/\(EchoService.name)/\(method)" }

  func stop() async { await services.triggerGracefulShutdown() }

  /// Ends it without regard for what is at work.
  let cancel: @Sendable () -> Void

  /// Serves while `body` runs, then shuts down gracefully.
  static func run<Value: Sendable>(
    _ methods: [UnaryMethod] = EchoService.methods(), routes: [RawRoute] = [], limits: ServerLimits = ServerLimits(),
    tls: ServerTLS? = nil, metrics: any MetricsFactory = NOOPMetricsHandler.instance,
    _ body: @Sendable (TestServer) async throws -> Value
  ) async throws -> Value {
    let (ports, port) = AsyncStream.makeStream(of: Int.self)
    let log = LogLines()
    let server = try ConnectServer(
      configuration: ConnectServerConfiguration(
        host: tls == nil ? "127.0.0.1" : "localhost", port: 0, tls: tls, limits: limits, serverName: "domicile"),
      methods: methods, rawRoutes: routes, logger: log.logger, metricsFactory: metrics, onStart: { port.yield($0) })
    let services = ServiceGroup(configuration: .init(services: [server], logger: log.logger))
    let stopped = Latch()
    return try await withThrowingTaskGroup(of: Void.self) { group in
      let running = Task {
        defer {
          port.finish()
          stopped.open()
        }
        try await services.run()
      }
      group.addTask {
        try await withTaskCancellationHandler {
          do { try await running.value } catch is CancellationError {}
        } onCancel: {
          running.cancel()
        }
      }
      guard let bound = await ports.first(where: { _ in true }) else {
        try await group.waitForAll()
        throw ServerDidNotStart()
      }
      let server = TestServer(
        port: bound, scheme: tls == nil ? "http" : "https", services: services, log: log, stopped: stopped,
        cancel: { running.cancel() })
      do {
        let value = try await body(server)
        await server.stop()
        try await group.waitForAll()
        return value
      } catch {
        group.cancelAll()
        throw error
      }
    }
  }
}

struct ServerDidNotStart: Error {}

/// Keeps what was logged.
final class LogLines: Sendable {
  private let lines = Mutex<[String]>([])

  var all: [String] { lines.withLock { $0 } }

  var logger: Logger {
    Logger(label: "test", factory: { _ in Handler(lines: self) })
  }

  private struct Handler: LogHandler {
    let lines: LogLines
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      lines.lines.withLock { $0.append("\(event.level) \(event.message) \(event.metadata ?? [:])") }
    }
  }
}

import Metrics
import Synchronization

/// Counts answers by method and code, and times them by method.
///
/// Both label sets are bounded: methods are those that the server was made with, and codes are the protocol's.
final class ServerMetrics: Sendable {
  private struct Key: Hashable {
    let method: String
    let code: String
  }
  private struct Instruments {
    var counters: [Key: Counter] = [:]
    var timers: [String: Metrics.Timer] = [:]
  }
  private let instruments = Mutex(Instruments())
  private let inFlight: Gauge
  private let factory: any MetricsFactory

  init(factory: any MetricsFactory) {
    self.factory = factory
    inFlight = Gauge(label: "domicile_rpc_calls_in_flight", dimensions: [], factory: factory)
  }

  /// - Parameter code: a Connect code, or `ok`.
  func answered(method: String, code: String, after duration: Duration, inFlight count: Int) {
    let key = Key(method: method, code: code)
    let (counter, timer) = instruments.withLock { instruments in
      let counter =
        instruments.counters[key]
        ?? Counter(
          label: "domicile_rpc_calls_total", dimensions: [("method", method), ("code", code)], factory: factory)
      let timer =
        instruments.timers[method]
        ?? Metrics.Timer(label: "domicile_rpc_call_seconds", dimensions: [("method", method)], factory: factory)
      instruments.counters[key] = counter
      instruments.timers[method] = timer
      return (counter, timer)
    }
    counter.increment()
    timer.record(duration: duration)
    inFlight.record(count)
  }
}

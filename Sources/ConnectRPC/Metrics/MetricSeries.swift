import CoreMetrics
import Synchronization

/// The values of one metric with one set of labels.
protocol MetricSeries: AnyObject, Sendable {
  var reading: MetricReading { get }
}

enum MetricReading: Equatable {
  case value(Double)
  /// `counts` has one more element than `bounds`: what was above the last bound. They are not cumulative.
  case histogram(bounds: [Double], counts: [UInt64], sum: Double)
}

/// Only goes up; a negative amount is ignored.
final class CounterSeries: MetricSeries, CounterHandler, FloatingPointCounterHandler {
  private let total = Mutex(0.0)

  var reading: MetricReading { .value(total.withLock { $0 }) }

  func increment(by amount: Int64) { increment(by: Double(amount)) }

  func increment(by amount: Double) {
    guard amount > 0, amount.isFinite else { return }
    total.withLock { $0 += amount }
  }

  func reset() { total.withLock { $0 = 0 } }
}

/// The latest value.
final class GaugeSeries: MetricSeries, MeterHandler, RecorderHandler {
  private let latest = Mutex(0.0)

  var reading: MetricReading { .value(latest.withLock { $0 }) }

  func set(_ value: Int64) { set(Double(value)) }
  func set(_ value: Double) { latest.withLock { $0 = value } }
  func increment(by amount: Double) { latest.withLock { $0 += amount } }
  func decrement(by amount: Double) { latest.withLock { $0 -= amount } }
  func record(_ value: Int64) { set(Double(value)) }
  func record(_ value: Double) { set(value) }
}

/// How many values fell into each bucket.
final class HistogramSeries: MetricSeries, TimerHandler, RecorderHandler {
  private struct State {
    var counts: [UInt64]
    var sum = 0.0
  }
  private let bounds: [Double]
  private let state: Mutex<State>

  init(bounds: [Double]) {
    self.bounds = bounds
    state = Mutex(State(counts: Array(repeating: 0, count: bounds.count + 1)))
  }

  var reading: MetricReading {
    let state = state.withLock { $0 }
    return .histogram(bounds: bounds, counts: state.counts, sum: state.sum)
  }

  func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
  func record(_ value: Int64) { record(Double(value)) }

  func record(_ value: Double) {
    guard value.isFinite else { return }
    let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
    state.withLock { state in
      state.counts[bucket] += 1
      state.sum += value
    }
  }
}

package import CoreMetrics
import Synchronization

/// Keeps the process's metrics and writes them in the Prometheus text format 0.0.4.
///
/// Everything is bounded, since a label value that a caller can choose would otherwise fill the memory: a metric with too many
/// label sets counts the further ones under `overflow="true"`; a metric too many, or one that was made before as another kind,
/// is counted but not shown. `domicile_metrics_rejected_total` says how often either happened.
///
/// Counters and gauges keep their names. A timer becomes a histogram in seconds, so its label should end with `_seconds`.
/// Destroying an instrument does not remove it: several may share one series.
package final class PrometheusRegistry: MetricsFactory {
  package struct Options: Sendable {
    package var metricsMax = 500
    package var labelSetsPerMetricMax = 500
    /// Upper bounds of a timer's buckets, in seconds, ascending.
    package var timerBuckets: [Double] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
    /// Upper bounds of a recorder's buckets, ascending.
    package var recorderBuckets: [Double] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 4_096, 16_384, 65_536]
    /// What a metric says, by its name.
    package var help: [String: String] = [:]

    package init() {}
  }

  package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  private struct State {
    var families: [String: MetricFamily] = [:]
    var rejected: Int64 = 0
  }
  private let state = Mutex(State())
  private let options: Options

  package init(options: Options = Options()) {
    self.options = options
  }

  /// All metrics, sorted by name and labels.
  package func render() -> String {
    let (families, rejected) = state.withLock { ($0.families, $0.rejected) }
    var text = PrometheusText()
    for (name, family) in families.sorted(by: { $0.key < $1.key }) {
      text.family(name, family, help: options.help[name])
    }
    text.single("domicile_metrics_rejected_total", type: .counter, value: Double(rejected))
    return text.text
  }

  package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    instrument(label, dimensions, .counter) { CounterSeries() }
  }

  package func makeFloatingPointCounter(label: String, dimensions: [(String, String)]) -> any FloatingPointCounterHandler {
    instrument(label, dimensions, .counter) { CounterSeries() }
  }

  package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
    instrument(label, dimensions, .gauge) { GaugeSeries() }
  }

  package func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
    guard aggregate else { return instrument(label, dimensions, .gauge) { GaugeSeries() } }
    return instrument(label, dimensions, .histogram) { HistogramSeries(bounds: options.recorderBuckets) }
  }

  package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    instrument(label, dimensions, .histogram) { HistogramSeries(bounds: options.timerBuckets) }
  }

  package func destroyCounter(_ handler: any CounterHandler) {}
  package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
  package func destroyMeter(_ handler: any MeterHandler) {}
  package func destroyRecorder(_ handler: any RecorderHandler) {}
  package func destroyTimer(_ handler: any TimerHandler) {}

  private func instrument<Series: MetricSeries>(
    _ label: String, _ dimensions: [(String, String)], _ kind: MetricFamily.Kind, make: () -> Series
  ) -> Series {
    let name = PrometheusText.name(label)
    let labels = LabelSet(dimensions)
    return state.withLock { state in
      var family = state.families[name]
      if family == nil, state.families.count < options.metricsMax { family = MetricFamily(kind: kind) }
      guard var family, family.kind == kind else {
        state.rejected += 1
        return make()
      }
      var key = labels
      if family.series[key] == nil, family.series.count >= options.labelSetsPerMetricMax {
        state.rejected += 1
        key = .overflow
      }
      if let series = family.series[key] as? Series { return series }
      let series = make()
      family.series[key] = series
      state.families[name] = family
      return series
    }
  }
}

/// One metric: what it is, and its series by labels.
struct MetricFamily {
  enum Kind: String { case counter, gauge, histogram }

  let kind: Kind
  var series: [LabelSet: any MetricSeries] = [:]
}

/// Labels with valid names, each once, sorted by name.
struct LabelSet: Hashable {
  struct Label: Hashable {
    let name: String
    let value: String
  }
  let labels: [Label]

  static let overflow = LabelSet([("overflow", "true")])

  init(_ dimensions: [(String, String)]) {
    var values: [String: String] = [:]
    for (name, value) in dimensions {
      let name = PrometheusText.labelName(name)
      if values[name] == nil { values[name] = value }
    }
    labels = values.map { Label(name: $0.key, value: $0.value) }.sorted { $0.name < $1.name }
  }
}

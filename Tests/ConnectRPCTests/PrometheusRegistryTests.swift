import ConnectRPC
import CoreMetrics
import Testing

@Suite
struct PrometheusRegistryTests {
  @Test
  func `every kind of instrument is written in the text format`() {
    var options = PrometheusRegistry.Options()
    options.timerBuckets = [0.1, 1]
    options.recorderBuckets = [10]
    options.help = ["requests_total": "All\nrequests, by \\ path."]
    let registry = PrometheusRegistry(options: options)
    Counter(label: "requests_total", dimensions: [("path", "/a\"b\\c\nd"), ("code", "ok")], factory: registry).increment(by: 3)
    Counter(label: "requests_total", dimensions: [("code", "ok"), ("path", "/a\"b\\c\nd")], factory: registry).increment()
    FloatingPointCounter(label: "cost", dimensions: [], factory: registry).increment(by: 1.5)
    Gauge(label: "lag", dimensions: [], factory: registry).record(-2.25)
    let meter = Meter(label: "open", dimensions: [], factory: registry)
    meter.increment(by: 5.0)
    meter.decrement(by: 2.0)
    let timer = CoreMetrics.Timer(label: "call_seconds", dimensions: [], factory: registry)
    for nanoseconds in [100_000_000, 500_000_000, 2_000_000_000] { timer.recordNanoseconds(Int64(nanoseconds)) }
    Recorder(label: "size", dimensions: [("le", "x")], aggregate: true, factory: registry).record(11)
    #expect(
      registry.render() == #"""
        # TYPE call_seconds histogram
        call_seconds_bucket{le="0.1"} 1
        call_seconds_bucket{le="1"} 2
        call_seconds_bucket{le="+Inf"} 3
        call_seconds_sum 2.6
        call_seconds_count 3
        # TYPE cost counter
        cost 1.5
        # TYPE lag gauge
        lag -2.25
        # TYPE open gauge
        open 3
        # HELP requests_total All\nrequests, by \\ path.
        # TYPE requests_total counter
        requests_total{code="ok",path="/a\"b\\c\nd"} 4
        # TYPE size histogram
        size_bucket{le_="x",le="10"} 0
        size_bucket{le_="x",le="+Inf"} 1
        size_sum{le_="x"} 11
        size_count{le_="x"} 1
        # TYPE domicile_metrics_rejected_total counter
        domicile_metrics_rejected_total 0

        """#)
  }

  @Test
  func `label sets are bounded, and nothing is lost`() {
    var options = PrometheusRegistry.Options()
    options.labelSetsPerMetricMax = 2
    let registry = PrometheusRegistry(options: options)
    for subject in 0..<10 {
      Counter(label: "reads_total", dimensions: [("subject", "\(subject)")], factory: registry).increment()
    }
    let text = registry.render()
    #expect(text.contains(#"reads_total{overflow="true"} 8"#))
    #expect(text.split(separator: "\n").filter { $0.hasPrefix("reads_total{") }.count == 3)
    #expect(text.contains("domicile_metrics_rejected_total 8"))
  }

  @Test
  func `metrics are bounded, and a name has one kind`() {
    var options = PrometheusRegistry.Options()
    options.metricsMax = 1
    let registry = PrometheusRegistry(options: options)
    Counter(label: "a", dimensions: [], factory: registry).increment()
    Gauge(label: "a", dimensions: [], factory: registry).record(7)
    Counter(label: "b", dimensions: [], factory: registry).increment()
    let text = registry.render()
    #expect(text.contains("a 1\n"))
    #expect(!text.contains("\nb "))
    #expect(text.contains("domicile_metrics_rejected_total 2"))
  }

  @Test
  func `names become valid`() {
    let registry = PrometheusRegistry()
    Counter(label: "9.requests-total", dimensions: [("a.b:c", "v")], factory: registry).increment()
    #expect(registry.render().contains(#"_9_requests_total{a_b_c="v"} 1"#))
  }
}

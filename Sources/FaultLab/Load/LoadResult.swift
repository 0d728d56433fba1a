package import Histogram

/// What a stretch of load came to.
package struct LoadResult: Sendable {
  /// Microseconds, of the calls that were answered with 200. On a paced connection from the moment at which the call was due.
  package internal(set) var latency = Histogram<UInt32>(
    lowestDiscernibleValue: 1, highestTrackableValue: 60_000_000, numberOfSignificantValueDigits: .three)
  package internal(set) var calls = 0
  /// What the calls weigh together: records.
  package internal(set) var weight = 0
  /// HTTP status by how often it came, of the calls that were not answered with 200.
  package internal(set) var failures: [Int: Int] = [:]
  /// The first error body, to be shown.
  package internal(set) var firstFailure: String?
  /// In seconds, without the warm-up.
  package internal(set) var seconds = 0.0

  package init() {}

  package var callsPerSecond: Double { seconds > 0 ? Double(calls) / seconds : 0 }
  package var weightPerSecond: Double { seconds > 0 ? Double(weight) / seconds : 0 }

  package func milliseconds(atPercentile percentile: Double) -> Double {
    Double(latency.valueAtPercentile(percentile)) / 1_000
  }

  mutating func add(_ other: LoadResult) {
    latency.add(other.latency)
    calls += other.calls
    weight += other.weight
    failures.merge(other.failures, uniquingKeysWith: +)
    firstFailure = firstFailure ?? other.firstFailure
    seconds = max(seconds, other.seconds)
  }
}

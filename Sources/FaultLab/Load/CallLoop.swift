import Histogram
import NIOCore

/// The closed loops of one connection: each of its lanes has one call under way, and the next once that is answered. It decides when
/// calls are made, and counts what came of them; it has no clock of its own.
struct CallLoop {
  /// When things happen.
  struct Schedule: Sendable {
    let measuredFrom: NIODeadline
    let until: NIODeadline
    /// Between two calls of a lane; `nil`: as fast as answers come.
    let interval: TimeAmount?
  }

  /// What a lane does next.
  enum Step {
    case call(LoadCall)
    case wait(until: NIODeadline)
    case end
  }

  struct Answer {
    let status: Int
    let byteCount: Int
    /// Shown where the call failed.
    let text: String
  }

  private struct Lane {
    var due: NIODeadline
    var weight = 0
    var answerBytesMin = 0
  }

  private let schedule: Schedule
  private var script: any LoadScript
  private var lanes: [Lane]
  private(set) var result = LoadResult()

  /// - Parameter starts: When each lane makes its first call.
  init(_ schedule: Schedule, _ script: any LoadScript, starts: [NIODeadline]) {
    self.schedule = schedule
    self.script = script
    lanes = starts.map { Lane(due: $0) }
    result.seconds = Double((schedule.until - schedule.measuredFrom).nanoseconds) / 1e9
  }

  var laneCount: Int { lanes.count }

  /// What the lane does while it has no call under way.
  mutating func next(_ lane: Int, at now: NIODeadline) -> Step {
    guard now < schedule.until else { return .end }
    guard lanes[lane].due <= now else { return .wait(until: lanes[lane].due) }
    let call = script.next()
    lanes[lane].weight = call.weight
    lanes[lane].answerBytesMin = call.answerBytesMin
    return .call(call)
  }

  /// The lane's call was answered.
  mutating func answered(_ lane: Int, with answer: Answer, at now: NIODeadline) {
    if now >= schedule.measuredFrom, now < schedule.until { count(answer, in: lanes[lane], after: now - lanes[lane].due) }
    // What is late stays due when it was: a server that stalls shows in every call that it held up.
    lanes[lane].due = schedule.interval.map { lanes[lane].due + $0 } ?? now
  }

  private mutating func count(_ answer: Answer, in lane: Lane, after latency: TimeAmount) {
    guard answer.status == 200, answer.byteCount >= lane.answerBytesMin else {
      result.failures[answer.status, default: 0] += 1
      if result.firstFailure == nil { result.firstFailure = answer.text }
      return
    }
    _ = result.latency.record(UInt64(max(1, latency.nanoseconds / 1_000)))
    result.calls += 1
    result.weight += lane.weight
  }
}

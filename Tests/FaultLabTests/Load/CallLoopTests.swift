import NIOCore
import Testing

@testable import FaultLab

struct CallLoopTests {
  private func at(_ milliseconds: Int64) -> NIODeadline { .uptimeNanoseconds(UInt64(milliseconds) * 1_000_000) }

  /// Calls of three records each.
  private struct Script: LoadScript {
    mutating func next() -> LoadCall { LoadCall(path: "/x", body: [], weight: 3, answerBytesMin: 100) }
  }

  /// Measured from 10 to 100 milliseconds.
  private func loop(pace: TimeAmount? = nil, starts: [Int64] = [0]) -> CallLoop {
    CallLoop(
      .init(measuredFrom: at(10), until: at(100), interval: pace), Script(), starts: starts.map(at))
  }

  private let good = CallLoop.Answer(status: 200, byteCount: 100, text: "")

  @Test func `each lane calls again as soon as it is answered, until the time is over`() {
    var loop = loop(starts: [0, 0])
    for lane in 0..<2 { #expect(loop.next(lane, at: at(0)).isCall) }
    loop.answered(1, with: good, at: at(30))
    #expect(loop.next(1, at: at(30)).isCall)
    loop.answered(0, with: good, at: at(99))
    #expect(loop.next(0, at: at(100)).isEnd)
    #expect(loop.result.calls == 2 && loop.result.weight == 6)
    #expect(loop.result.seconds == 0.09)
  }

  @Test func `at a pace, a call waits until it is due, and one that is late counts from when it was due`() {
    var loop = loop(pace: .milliseconds(20), starts: [10])
    #expect(loop.next(0, at: at(5)).due == at(10))
    #expect(loop.next(0, at: at(10)).isCall)
    // Answered after 30 milliseconds: the next was due ten milliseconds ago.
    loop.answered(0, with: good, at: at(40))
    #expect(loop.next(0, at: at(40)).isCall)
    loop.answered(0, with: good, at: at(45))
    #expect(loop.next(0, at: at(45)).due == at(50))
    #expect(loop.result.milliseconds(atPercentile: 0) == 15)
    #expect(loop.result.milliseconds(atPercentile: 100) == 30)
  }

  @Test func `what is answered before or after the time that is measured does not count`() {
    var loop = loop()
    _ = loop.next(0, at: at(0))
    loop.answered(0, with: good, at: at(9))
    _ = loop.next(0, at: at(9))
    loop.answered(0, with: good, at: at(100))
    #expect(loop.result.calls == 0)
  }

  @Test func `a refusal is a failure, and so is an answer without its records`() {
    var loop = loop()
    for (status, byteCount) in [(503, 1_000), (200, 99), (200, 100)] {
      _ = loop.next(0, at: at(20))
      loop.answered(0, with: .init(status: status, byteCount: byteCount, text: "\(status)"), at: at(20))
    }
    #expect(loop.result.failures == [503: 1, 200: 1])
    #expect(loop.result.firstFailure == "503")
    #expect(loop.result.calls == 1)
  }
}

extension CallLoop.Step {
  fileprivate var isCall: Bool { if case .call = self { true } else { false } }
  fileprivate var isEnd: Bool { if case .end = self { true } else { false } }
  fileprivate var due: NIODeadline? { if case .wait(let due) = self { due } else { nil } }
}

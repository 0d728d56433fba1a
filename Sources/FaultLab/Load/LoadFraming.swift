import NIOCore

/// How calls and their answers look on a connection. It writes nothing and knows no time: ``LoadConnection`` does what it says.
protocol LoadFraming {
  associatedtype Inbound: Sendable
  associatedtype Outbound: Sendable

  /// Sent before the first call.
  var opening: [Outbound] { get }

  /// A lane's call, as it is sent. The lane's last one was answered.
  mutating func request(_ call: LoadCall, lane: Int) -> [Outbound]

  /// - Returns: the answers that `part` completes.
  /// - Throws: where the connection is of no more use.
  mutating func answers(in part: Inbound) throws -> [LoadAnswer]

  /// Sent when all that has come was read.
  mutating func acknowledgement() -> Outbound?
}

/// The answer to a lane's call.
struct LoadAnswer {
  let lane: Int
  let answer: CallLoop.Answer

  /// - Parameter text: what the server said, where the call failed.
  init(lane: Int, status: Int, byteCount: Int, text: @autoclosure () -> String) {
    self.lane = lane
    // A success that counts as a failure can only lack what it was to bring.
    answer = CallLoop.Answer(status: status, byteCount: byteCount, text: status == 200 ? "too short" : text())
  }
}

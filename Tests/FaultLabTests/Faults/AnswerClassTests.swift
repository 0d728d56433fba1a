import ConnectRPC
import Testing

@testable import FaultLab

@Suite struct AnswerClassTests {
  private func write(_ code: ConnectCode, _ reason: String) -> RegisterAnswer<UInt64> {
    AnswerClass.ofWrite(ConnectError(code, reason: reason, ""))
  }

  @Test(arguments: [
    (ConnectCode.unavailable, "AUDIT_UNAVAILABLE"), (.aborted, "VERSION_MISMATCH"), (.resourceExhausted, "OVERLOADED"),
    (.unavailable, "STOPPING"), (.unavailable, "QUORUM_UNAVAILABLE"),
  ])
  func `what the API promises had no effect is a refusal`(code: ConnectCode, reason: String) {
    #expect(write(code, reason) == .refused(reason))
  }

  @Test(arguments: [
    (ConnectCode.unavailable, "OUTCOME_UNKNOWN"), (.deadlineExceeded, "DEADLINE_EXCEEDED"), (.canceled, "CANCELED"),
    (.unavailable, "CONNECTION_FAILED"), (.unavailable, "TLS_FAILED"), (.dataLoss, "DATA_LOSS"), (.internal, "UNEXPECTED_ANSWER"),
  ])
  func `a write that may have been done has an unknown outcome`(code: ConnectCode, reason: String) {
    #expect(write(code, reason) == .unknown(reason))
  }

  @Test func `a reason that nobody knows counts as an unknown outcome, and as a finding`() {
    #expect(write(.internal, "SOMETHING_NEW") == .unknown("SOMETHING_NEW"))
    #expect(!AnswerClass.isExpected("SOMETHING_NEW"))
    #expect(!AnswerClass.isExpected("DATA_LOSS"))
  }

  @Test func `a read that failed had no effect, whatever became of it`() {
    let error = ConnectError(.unavailable, reason: "OUTCOME_UNKNOWN", "")
    let answer: RegisterAnswer<RegisterState> = AnswerClass.ofRead(error)
    #expect(answer == .refused("OUTCOME_UNKNOWN"))
  }

  @Test func `an error without a reason goes by its code`() {
    let answer: RegisterAnswer<UInt64> = AnswerClass.ofWrite(ConnectError(.unknown, message: "", details: []))
    #expect(answer == .unknown("UNKNOWN"))
  }
}

import Testing

@testable import FaultLab

@Suite struct HistoryParsingTests {
  private func problem(_ lines: String...) -> HistoryError? {
    do throws(HistoryError) {
      _ = try History(parsing: lines.joined(separator: "\n").utf8)
      return nil
    } catch { return error }
  }

  private static let lines = """
    {"index":0,"type":"invoke","process":3,"f":"write","key":"k1","value":5,"time":0}
    {"index":1,"type":"invoke","process":4,"f":"read","key":"k1","value":null,"time":17}
    {"index":2,"type":"ok","process":3,"f":"write","key":"k1","value":5,"time":123456}
    {"index":3,"type":"ok","process":4,"f":"read","key":"k1","value":-5,"time":123456}
    {"index":4,"type":"invoke","process":3,"f":"cas","key":"a \\"b\\"\\\\\\u000a é","value":[null,7],"time":123457}
    {"index":5,"type":"fail","process":3,"f":"cas","key":"a \\"b\\"\\\\\\u000a é","value":[null,7],"time":123458}
    {"index":6,"type":"invoke","process":3,"f":"write","key":"","value":null,"time":123459}
    {"index":7,"type":"info","process":3,"f":"write","key":"","value":null,"time":9223372036854775807}

    """

  @Test func `a history is printed as it was parsed`() throws {
    let history = try History(parsing: Self.lines.utf8)
    #expect(history.jsonLines == Self.lines)
    #expect(history.events[4].action == .compareAndSet(expected: nil, new: 7) && history.events[4].key == "a \"b\"\\\n é")
    #expect(history.operations.map(\.outcome) == [.ok, .ok, .failed, .unknown])
    #expect(history.operations[1].action == .read(-5))
    #expect(try History(parsing: Self.lines.dropLast().utf8) == history)
  }

  @Test func `random histories survive printing and parsing`() throws {
    for seed in UInt64(0)..<50 {
      let history = try SimulatedRegisters(operationCount: 40, keyCount: 3, unknownCount: 4).history(seed: seed)
      #expect(try History(parsing: history.jsonLines.utf8) == history, "seed \(seed)")
    }
  }

  @Test func `members may stand in any order`() throws {
    let text = #" { "time":1, "value":[1,2], "key":"k", "f":"cas", "process":0, "type":"invoke", "index":0 } "#
    #expect(try History(parsing: text.utf8).operations.first?.action == .compareAndSet(expected: 1, new: 2))
  }

  @Test(arguments: [
    (#"{"index":1"#, "line 2: not a JSON object"),
    ("", "line 2: not a JSON object"),
    ("[1]", "line 2: not a JSON object"),
    (#"{"type":"ok","process":0,"f":"read","key":"k","value":1,"time":1}"#, "line 2: `index` is missing"),
    (#"{"index":1,"type":"ok","process":0,"f":"read","key":"k","time":1}"#, "line 2: `value` is missing"),
    (
      #"{"index":1,"type":"ok","process":0,"f":"read","key":"k","value":1,"time":1,"node":"n1"}"#,
      "line 2: `node` is not a member of an event"
    ),
    (
      #"{"index":1,"type":"okay","process":0,"f":"read","key":"k","value":1,"time":1}"#,
      "line 2: `type` must be one of invoke, ok, fail, info"
    ),
    (
      #"{"index":1,"type":"ok","process":0,"f":"delete","key":"k","value":1,"time":1}"#,
      "line 2: `f` must be one of read, write, cas"
    ),
    (#"{"index":"1","type":"ok","process":0,"f":"read","key":"k","value":1,"time":1}"#, "line 2: `index` must be an integer"),
    (#"{"index":1,"type":"ok","process":null,"f":"read","key":"k","value":1,"time":1}"#, "line 2: `process` must be an integer"),
    (#"{"index":1,"type":"ok","process":0,"f":"read","key":7,"value":1,"time":1}"#, "line 2: `key` must be a string"),
    (
      #"{"index":1,"type":"ok","process":0,"f":"read","key":"k","value":1,"time":9223372036854775808}"#,
      "line 2: `time` must be an integer"
    ),
    (
      #"{"index":1,"type":"ok","process":0,"f":"read","key":"k","value":"1","time":1}"#,
      "line 2: `value` must be an integer or null, for cas a pair of them"
    ),
    (
      #"{"index":1,"type":"ok","process":0,"f":"read","key":"k","value":1.5,"time":1}"#,
      "line 2: `value` must be an integer or null, for cas a pair of them"
    ),
    (
      #"{"index":1,"type":"ok","process":0,"f":"cas","key":"k","value":[1],"time":1}"#,
      "line 2: `value` must be an integer or null, for cas a pair of them"
    ),
    (
      #"{"index":1,"type":"ok","process":0,"f":"cas","key":"k","value":[1,"2"],"time":1}"#,
      "line 2: `value` must be an integer or null, for cas a pair of them"
    ),
    (
      #"{"index":1,"type":"ok","process":0,"f":"cas","key":"k","value":null,"time":1}"#,
      "line 2: `value` must be an integer or null, for cas a pair of them"
    ),
  ])
  func `a malformed line is named, with what is wrong`(line: String, message: String) {
    let first = #"{"index":0,"type":"invoke","process":0,"f":"read","key":"k","value":null,"time":0}"#
    #expect(problem(first, line, first)?.description == message)
  }
}

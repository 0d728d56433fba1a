import Testing

@testable import FaultLab

/// A history told in words, one event after another: `a write 1, b read, a ok, b got 1, c cas 1 2 in k2, c unknown`.
///
/// `a` to `z` are processes 0 to 25. An invocation is `write`, `read` or `cas`; an answer is `ok`, `got` (a read's), `failed` or
/// `unknown`. The key is `k` unless `in` names another.
func story(_ text: String) throws -> History {
  var history = History()
  var open: [Int: HistoryEvent] = [:]
  for (index, sentence) in text.split(separator: ",").enumerated() {
    let words = sentence.split(whereSeparator: \.isWhitespace).map(String.init)
    let process = Int(try #require(words.first?.utf8.first)) - 97
    let invoked = open[process]
    let (kind, action): (HistoryEvent.Kind, RegisterAction?) =
      switch words.dropFirst().first {
      case "read": (.invoke, .read(nil))
      case "write": (.invoke, .write(Int(words[2])))
      case "cas": (.invoke, .compareAndSet(expected: Int(words[2]), new: Int(words[3])))
      case "got": (.ok, .read(Int(words[2])))
      case "ok": (.ok, invoked?.action)
      case "failed": (.fail, invoked?.action)
      case "unknown": (.info, invoked?.action)
      default: throw StoryError(sentence: String(sentence))
      }
    guard let action else { throw StoryError(sentence: String(sentence)) }
    let named = words.suffix(2).first == "in" ? words.last : nil
    let event = HistoryEvent(
      index: index, kind: kind, process: process, key: (kind == .invoke ? named : invoked?.key) ?? "k", action: action,
      nanoseconds: index * 1_000)
    try history.append(event)
    if kind == .invoke { open[process] = event }
  }
  return history
}

struct StoryError: Error { let sentence: String }

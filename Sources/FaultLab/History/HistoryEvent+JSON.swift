import FoundationEssentials

extension HistoryEvent {
  /// The event as one line of JSON Lines, without the newline.
  package var jsonLine: String {
    let (name, value) =
      switch action {
      case .read(let value): (Function.read, Self.json(value))
      case .write(let new): (Function.write, Self.json(new))
      case .compareAndSet(let expected, let new): (Function.cas, "[\(Self.json(expected)),\(Self.json(new))]")
      }
    return #"{"index":\#(index),"type":"\#(kind.rawValue)","process":\#(process),"f":"\#(name.rawValue)","#
      + #""key":\#(Self.json(key)),"value":\#(value),"time":\#(nanoseconds)}"#
  }

  /// Reads what ``jsonLine`` writes; members may stand in any order.
  /// - Parameter line: The line's number in its file, for the error. Counts from 1.
  package init(parsing text: some Sequence<UInt8>, line: Int) throws(HistoryError) {
    do {
      self = try JSONDecoder().decode(Line.self, from: Data(text)).event
    } catch let error as HistoryError.Problem {
      throw HistoryError(line: line, error)
    } catch {
      throw HistoryError(line: line, .notJSON)
    }
  }

  private enum Function: String { case read, write, cas }

  private static func json(_ value: Int?) -> String { value.map(String.init) ?? "null" }

  private static func json(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": out += "\\\(scalar)"
      case "\u{0}"..<"\u{20}":
        let digits = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }

  /// The line as it stands, decoded member by member.
  private struct Line: Decodable {
    let event: HistoryEvent

    init(from decoder: any Decoder) throws {
      let members = try decoder.container(keyedBy: Member.self)
      if let unknown = members.allKeys.map(\.stringValue).filter({ !Member.known.contains($0) }).min() {
        throw HistoryError.Problem.unknown(member: unknown)
      }
      guard let kind = Kind(rawValue: try members.value(.type)) else { throw HistoryError.Problem.wrong(member: "type") }
      event = HistoryEvent(
        index: try members.value(.index), kind: kind, process: try members.value(.process), key: try members.value(.key),
        action: try Self.action(members), nanoseconds: try members.value(.time))
    }

    private static func action(_ members: KeyedDecodingContainer<Member>) throws(HistoryError.Problem) -> RegisterAction {
      switch Function(rawValue: try members.value(.f)) {
      case .read: return .read(try members.value(.value))
      case .write: return .write(try members.value(.value))
      case .cas:
        let pair: [Int?] = try members.value(.value)
        guard pair.count == 2 else { throw .wrong(member: "value") }
        return .compareAndSet(expected: pair[0], new: pair[1])
      case nil: throw .wrong(member: "f")
      }
    }
  }

  fileprivate struct Member: CodingKey {
    static let known: Set = ["index", "type", "process", "f", "key", "value", "time"]
    static let index = Member("index"), type = Member("type"), process = Member("process"), f = Member("f")
    static let key = Member("key"), value = Member("value"), time = Member("time")

    let stringValue: String
    var intValue: Int? { nil }

    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { nil }
  }
}

extension KeyedDecodingContainer<HistoryEvent.Member> {
  fileprivate func value<Value: Decodable>(_ member: Key) throws(HistoryError.Problem) -> Value {
    guard contains(member) else { throw .missing(member: member.stringValue) }
    do {
      return try decode(Value.self, forKey: member)
    } catch {
      throw .wrong(member: member.stringValue)
    }
  }
}

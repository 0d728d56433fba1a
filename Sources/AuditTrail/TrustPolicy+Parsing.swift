package import Residency

extension TrustPolicy {
  /// More than this of logs, witnesses or groups is refused; the specification asks for 32 at least.
  package static let definitionCountMax = 1024
  /// How many witnesses and groups a quorum may come to, each counted as often as groups name it: groups of groups of the same two
  /// double with every line, and so does the time to decide.
  package static let memberCountMax = 65_536

  /// - Parameter file: the name that diagnostics give.
  /// - Throws: ``ConfigurationError`` with every line that is wrong.
  package init(parsing bytes: [UInt8], file: String) throws(ConfigurationError) {
    var reader = TrustPolicyReader(file: file)
    reader.read(bytes)
    guard reader.diagnostics.isEmpty, let quorum = reader.quorum else { throw ConfigurationError(reader.diagnostics) }
    self.init(logs: reader.logs, witnesses: reader.witnesses, quorum: quorum)
  }

  /// The policy as a file's text, with a group for a quorum of `threshold` witnesses, or `quorum none`.
  /// - Parameter members: the names of those that count; `nil` for all.
  package static func text(
    logs: [VerifierKey], witnesses: [(name: String, key: VerifierKey)], threshold: Int, of members: [String]? = nil
  ) -> String {
    var lines = logs.map { "log \($0)" }
    lines += witnesses.map { "witness \($0.name) \($0.key)" }
    let members = members ?? witnesses.map(\.name)
    if threshold > 0, threshold <= members.count {
      lines += ["group witnesses \(threshold) \(members.joined(separator: " "))", "quorum witnesses"]
    } else {
      lines.append("quorum none")
    }
    return lines.map { $0 + "\n" }.joined()
  }
}

/// Reads a policy line by line. Names are opaque octets: never compared as Unicode text.
private struct TrustPolicyReader {
  private let file: String
  private var names: [[UInt8]: TrustPolicy.Quorum] = [:]
  private var memberCounts: [[UInt8]: Int] = [:]
  private var line = 0
  private(set) var logs: [TrustPolicy.Log] = []
  private(set) var witnesses: [TrustPolicy.Witness] = []
  private(set) var quorum: TrustPolicy.Quorum?
  private(set) var diagnostics: [Diagnostic] = []

  init(file: String) { self.file = file }

  mutating func read(_ bytes: [UInt8]) {
    guard bytes.allSatisfy({ $0 == 0x09 || $0 == 0x0a || ($0 >= 0x20 && $0 != 0x7f) }) else {
      return report("control characters other than tab and newline are not allowed")
    }
    for text in bytes.split(separator: 0x0a, omittingEmptySubsequences: false) {
      line += 1
      let words = text.split { $0 == 0x20 || $0 == 0x09 }
      guard let keyword = words.first, keyword.first != UInt8(ascii: "#") else { continue }
      let arguments = Array(words.dropFirst())
      switch String(decoding: keyword, as: UTF8.self) {
      case "log": readLog(arguments)
      case "witness": readWitness(arguments)
      case "group": readGroup(arguments)
      case "quorum": readQuorum(arguments)
      default: report("unknown line", help: "a line starts with log, witness, group, quorum or #")
      }
    }
    line = max(line, 1)
    if quorum == nil, diagnostics.isEmpty {
      report("no quorum line", help: "add 'quorum <witness or group>', or 'quorum none' to ask for no witness")
    }
  }

  private mutating func readLog(_ arguments: [ArraySlice<UInt8>]) {
    guard (1...2).contains(arguments.count) else { return report("a log line is: log <key> [<url>]") }
    guard let key = key(arguments[0], .ed25519) else { return }
    guard !logs.contains(where: { $0.key.publicKey == key.publicKey }) else { return report("this log's key is given twice") }
    logs.append(TrustPolicy.Log(key: key, url: url(arguments.dropFirst())))
  }

  private mutating func readWitness(_ arguments: [ArraySlice<UInt8>]) {
    guard (2...3).contains(arguments.count) else { return report("a witness line is: witness <name> <key> [<url>]") }
    guard let key = key(arguments[1], .cosignatureV1) else { return }
    guard !witnesses.contains(where: { $0.key.publicKey == key.publicKey }) else {
      return report("this witness's key is given twice")
    }
    guard define(arguments[0], .witness(key)) else { return }
    let name = String(decoding: arguments[0], as: UTF8.self)
    witnesses.append(TrustPolicy.Witness(name: name, key: key, url: url(arguments.dropFirst(2))))
  }

  private mutating func readGroup(_ arguments: [ArraySlice<UInt8>]) {
    guard arguments.count >= 3 else { return report("a group line is: group <name> all|any|<number> <member>…") }
    let memberNames = arguments[2...].map(Array.init)
    guard Set(memberNames).count == memberNames.count else { return report("a member is given twice") }
    var members: [TrustPolicy.Quorum] = []
    for name in memberNames {
      guard let member = names[name] else {
        return report("'\(String(decoding: name, as: UTF8.self))' is not defined above", help: similar(to: name))
      }
      members.append(member)
    }
    let threshold =
      switch String(decoding: arguments[1], as: UTF8.self) {
      case "all": members.count
      case "any": 1
      default: Int(decimal: arguments[1]) ?? 0
      }
    guard (1...members.count).contains(threshold) else {
      return report("the threshold must be all, any, or 1 to \(members.count)")
    }
    let memberCount = memberNames.reduce(1) { $0 + (memberCounts[$1] ?? 1) }
    guard memberCount <= TrustPolicy.memberCountMax else {
      return report("the group has more than \(TrustPolicy.memberCountMax) members, those of its groups counted")
    }
    memberCounts[Array(arguments[0])] = memberCount
    _ = define(arguments[0], .group(threshold: threshold, members: members))
  }

  private mutating func readQuorum(_ arguments: [ArraySlice<UInt8>]) {
    guard arguments.count == 1 else { return report("a quorum line is: quorum <witness or group>|none") }
    guard quorum == nil else { return report("a second quorum line") }
    if arguments[0].elementsEqual("none".utf8) {
      quorum = TrustPolicy.Quorum.none
    } else if let defined = names[Array(arguments[0])] {
      quorum = defined
    } else {
      report(
        "'\(String(decoding: arguments[0], as: UTF8.self))' is not defined above", help: similar(to: Array(arguments[0])))
    }
  }

  private mutating func define(_ name: ArraySlice<UInt8>, _ meaning: TrustPolicy.Quorum) -> Bool {
    guard !name.elementsEqual("none".utf8), names[Array(name)] == nil else {
      report("the name '\(String(decoding: name, as: UTF8.self))' is taken")
      return false
    }
    guard names.count < TrustPolicy.definitionCountMax else {
      report("more than \(TrustPolicy.definitionCountMax) witnesses and groups")
      return false
    }
    names[Array(name)] = meaning
    return true
  }

  private mutating func key(_ text: ArraySlice<UInt8>, _ algorithm: VerifierKey.Algorithm) -> VerifierKey? {
    do throws(FormatError) {
      let key = try VerifierKey(parsing: String(decoding: text, as: UTF8.self))
      if key.algorithm == algorithm { return key }
      let wanted = algorithm == .ed25519 ? "a log signs with algorithm 1" : "a witness cosigns with algorithm 4"
      report("the key is of the wrong kind", help: wanted)
    } catch {
      report(error.problem, help: "a key is written name+id+base64")
    }
    return nil
  }

  private func url(_ arguments: ArraySlice<ArraySlice<UInt8>>) -> String? {
    arguments.first.map { String(decoding: $0, as: UTF8.self) }
  }

  private func similar(to name: [UInt8]) -> String? {
    nearest(String(decoding: name, as: UTF8.self), in: names.keys.map { String(decoding: $0, as: UTF8.self) })
      .map { "did you mean '\($0)'?" }
  }

  private mutating func report(_ message: String, help: String? = nil) {
    diagnostics.append(Diagnostic(at: SourceLocation(file: file, line: max(line, 1), column: 1), message, help: help))
  }
}

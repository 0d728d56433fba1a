/// What `synchronous_standby_names` says: how many of which standbys a commit waits for. The grammar is that of PostgreSQL's
/// `syncrep_gram.y` and `syncrep_scanner.l`.
package struct SynchronousStandbyRule: Hashable, Sendable {
  package enum Method: Hashable, Sendable {
    /// Any of the named ones.
    case any
    /// Those that come first in the list and are attached.
    case first
  }

  package let method: Method
  /// At least 1. May be more than there are names: several standbys may share one.
  package let confirmations: Int
  /// `*` stands for every name.
  package let names: [String]

  package struct SyntaxError: Error, Hashable {}

  /// - Returns: `nil` for the empty setting, which waits for nobody.
  /// - Throws: ``SyntaxError`` for what PostgreSQL would not accept.
  package static func parse(_ setting: String) throws(SyntaxError) -> SynchronousStandbyRule? {
    var scanner = Scanner(setting)
    let tokens = try scanner.tokens()
    guard !tokens.isEmpty else { return nil }
    return try Self(tokens)
  }

  private init(_ tokens: [Scanner.Token]) throws(SyntaxError) {
    var rest = tokens[...]
    var (method, isCounted) = (Method.first, false)
    switch (rest.first, rest.dropFirst().first) {
    case (.any, _): (method, isCounted) = (.any, true)
    case (.first, _): isCounted = true
    // `2 (a, b)`: the form before `FIRST` had a name. A number alone is a standby's name.
    case (.number, .open): (rest, isCounted) = ([.first] + rest, true)
    default: break
    }
    var confirmations = 1
    if isCounted {
      rest.removeFirst()
      guard case .number(let digits) = rest.popFirst(), let number = Int32(digits), number > 0, rest.popFirst() == .open,
        rest.popLast() == .close
      else { throw SyntaxError() }
      confirmations = Int(number)
    }
    self.method = method
    self.confirmations = confirmations
    names = try Self.names(rest)
  }

  private static func names(_ tokens: ArraySlice<Scanner.Token>) throws(SyntaxError) -> [String] {
    var names: [String] = []
    for part in tokens.split(separator: .comma, omittingEmptySubsequences: false) {
      guard part.count == 1, let token = part.first else { throw SyntaxError() }
      switch token {
      case .name(let name), .number(let name): names.append(name)
      default: throw SyntaxError()
      }
    }
    return names
  }
}

extension SynchronousStandbyRule {
  fileprivate struct Scanner {
    enum Token: Hashable {
      case any, first, open, close, comma
      case name(String)
      case number(String)
    }

    private var rest: Substring.UnicodeScalarView

    init(_ text: String) { rest = text.unicodeScalars[...] }

    mutating func tokens() throws(SyntaxError) -> [Token] {
      var tokens: [Token] = []
      while let token = try next() { tokens.append(token) }
      return tokens
    }

    private mutating func next() throws(SyntaxError) -> Token? {
      _ = take { " \t\n\r\u{b}\u{c}".unicodeScalars.contains($0) }
      guard let scalar = rest.first else { return nil }
      if Self.isDigit(scalar) { return .number(take(while: Self.isDigit)) }
      if Self.startsName(scalar) { return Self.word(take { Self.startsName($0) || Self.isDigit($0) || $0 == "$" }) }
      rest.removeFirst()
      switch scalar {
      case "*": return .name("*")
      case ",": return .comma
      case "(": return .open
      case ")": return .close
      case "\"": return .name(try quotedName())
      default: throw SyntaxError()
      }
    }

    /// After the opening quote; a quote within is doubled.
    private mutating func quotedName() throws(SyntaxError) -> String {
      var name = ""
      while true {
        name += take { $0 != "\"" }
        guard rest.popFirst() != nil else { throw SyntaxError() }
        guard rest.first == "\"" else { return name }
        rest.removeFirst()
        name += "\""
      }
    }

    private mutating func take(while accepts: (UnicodeScalar) -> Bool) -> String {
      let taken = rest.prefix(while: accepts)
      rest = rest[taken.endIndex...]
      return String(String.UnicodeScalarView(taken))
    }

    private static func word(_ text: String) -> Token {
      switch text.lowercased() {
      case "any": .any
      case "first": .first
      default: .name(text)
      }
    }

    private static func isDigit(_ scalar: UnicodeScalar) -> Bool { ("0"..."9").contains(scalar) }
    private static func startsName(_ scalar: UnicodeScalar) -> Bool {
      ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == "_" || !scalar.isASCII
    }
  }
}

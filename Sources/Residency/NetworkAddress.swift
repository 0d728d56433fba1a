/// A host and a port to bind: `127.0.0.1:7102`, `[::1]:7102`, `0.0.0.0:7102`.
package struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
  /// Without the brackets of an IPv6 address.
  package let host: String
  /// 1 to 65535.
  package let port: Int

  /// - Returns: `nil` where `text` is not a host, a colon and a port.
  package init?(_ text: String) {
    guard let (host, port) = splitAuthority(text), let port else { return nil }
    self.host = host
    self.port = port
  }

  package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  /// Every address of the machine.
  package var isWildcard: Bool { host == "0.0.0.0" || host == "::" }

  /// Only this machine can connect.
  package var isLoopback: Bool { host == "localhost" || host == "::1" || (host.hasPrefix("127.") && isDottedQuad(host)) }
}

/// `https://HOST[:PORT]` with nothing behind: what a path is appended to.
package struct HTTPSOrigin: Hashable, Sendable, CustomStringConvertible {
  /// Lower case, without the brackets of an IPv6 address.
  package let host: String
  /// 1 to 65535; 443 where the text gives none.
  package let port: Int
  /// As written, which never ends in a slash: `"\(url)/domicile.v1.RecordService/GetRecord"`.
  package let text: String

  /// Why a text is not an ``HTTPSOrigin``.
  package enum Flaw: Error, Sendable {
    case notHTTPS, userInformation, path, hostOrPort
  }

  package init(_ text: String) throws(Flaw) {
    let scheme = "https://"
    guard text.hasPrefix(scheme) else { throw .notHTTPS }
    let rest = text.dropFirst(scheme.count)
    guard !rest.contains("@") else { throw .userInformation }
    guard !rest.contains(where: { "/?#\\".contains($0) }) else { throw .path }
    guard let (host, port) = splitAuthority(String(rest)) else { throw .hostOrPort }
    self.host = host.lowercased()
    self.port = port ?? 443
    self.text = text
  }

  package var description: String { text }
}

/// A libpq connection string. Printing one hides the password; only ``text`` has it.
package struct ConnectionString: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  package let text: String

  /// - Returns: `nil` where `text` is neither a `postgresql://` URI nor a list of `keyword=value`.
  package init?(_ text: String) {
    let isURI = ["postgresql://", "postgres://"].contains { text.hasPrefix($0) }
    guard isURI || (text.contains("=") && !text.contains("://")) else { return nil }
    self.text = text
  }

  package var description: String { "ConnectionString(hidden)" }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: []) }
}

/// The host and port of `HOST`, `HOST:PORT` or `[IPV6]:PORT`; `nil` where there is no such form.
private func splitAuthority(_ text: String) -> (host: String, port: Int?)? {
  let host: Substring
  let behind: Substring
  if text.hasPrefix("[") {
    guard let close = text.firstIndex(of: "]") else { return nil }
    host = text[text.index(after: text.startIndex)..<close]
    behind = text[text.index(after: close)...]
    guard host.contains(":"), host.allSatisfy({ $0.isASCII && ($0.isHexDigit || $0 == ":" || $0 == ".") }) else { return nil }
  } else {
    let end = text.firstIndex(of: ":") ?? text.endIndex
    host = text[..<end]
    behind = text[end...]
    guard isHostName(host) else { return nil }
  }
  if behind.isEmpty { return (String(host), nil) }
  let digits = behind.dropFirst()
  guard behind.first == ":", (1...5).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
    let port = Int(digits), (1...65535).contains(port)
  else { return nil }
  return (String(host), port)
}

/// A DNS name (RFC 1123) or a dotted quad. A name whose last label is only digits must be a dotted quad.
private func isHostName(_ host: Substring) -> Bool {
  guard (1...253).contains(host.utf8.count) else { return false }
  let labels = host.split(separator: ".", omittingEmptySubsequences: false)
  for label in labels {
    guard (1...63).contains(label.utf8.count), label.first != "-", label.last != "-" else { return false }
    guard label.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }) else { return false }
  }
  guard let last = labels.last, last.allSatisfy(\.isNumber) else { return true }
  return isDottedQuad(String(host))
}

private func isDottedQuad(_ host: String) -> Bool {
  let parts = host.split(separator: ".", omittingEmptySubsequences: false)
  return parts.count == 4 && parts.allSatisfy { part in UInt8(part) != nil && (part == "0" || part.first != "0") }
}

import Residency

/// One file of a policy directory.
package struct PolicyFile: Sendable, Hashable {
  /// As diagnostics and explanations show it, e.g. `policies/eu-transfers.yaml`.
  package let path: String
  package let text: String

  package init(path: String, text: String) {
    self.path = path
    self.text = text
  }

  var name: Substring { path.split(separator: "/").last ?? "" }
  var directory: Substring { path.dropLast(name.count) }
  /// Tests stand beside the rules they test and are no part of the policy.
  package var isTest: Bool { name.hasSuffix(".test.yaml") }
}

extension PolicySet {
  /// The bytes that the revision is a digest of: every file but the tests, in order of names, each as its name relative to
  /// `vocabulary.yaml` and its text with line feeds for line ends, both after their length in bytes: nothing of a file can be taken for
  /// another one.
  ///
  /// So the same files give the same revision wherever they lie, and any change to what they say or to the lines that
  /// explanations point to gives another.
  package static func canonicalBytes(of files: [PolicyFile]) -> [UInt8] {
    let root = folder(of: files)
    func name(_ file: PolicyFile) -> String {
      file.path.hasPrefix(root) ? String(file.path.dropFirst(root.count)) : file.path
    }
    var bytes: [UInt8] = []
    for (name, text) in files.filter({ !$0.isTest }).map({ (name($0), $0.text) }).sorted(by: { $0.0 < $1.0 }) {
      let text = lineFeeds(text)
      bytes += Array("\(name.utf8.count)\n\(name)\n\(text.count)\n".utf8)
      bytes += text
    }
    return bytes
  }

  /// The folder that `vocabulary.yaml` is in, with its last slash; empty where there is none.
  package static func folder(of files: [PolicyFile]) -> String {
    files.first { $0.name == PolicyRole.vocabulary.fileName }.map { String($0.directory) } ?? ""
  }

  /// Whether a file of a bundle may be called that: what a folder would be read for.
  package static func isFileName(_ name: String) -> Bool {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    guard let last = parts.last, parts.count == 1 || (parts.count == 2 && parts[0] == "lists") else { return false }
    return last.isPlainName && !last.hasPrefix(".") && (last.hasSuffix(".yaml") || last.hasSuffix(".yml"))
      && !last.hasSuffix(".test.yaml")
  }

  private static func lineFeeds(_ text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    var previous: UInt8 = 0
    for byte in text.utf8 {
      if byte == 0x0a, previous == 0x0d { bytes.removeLast() }
      bytes.append(byte)
      previous = byte
    }
    return bytes
  }
}

/// What a file of a policy directory is for. Five have names of their own; the others say it by their first key.
enum PolicyRole: String {
  case vocabulary, collections, principals, agreements, invariants, list, policy

  var fileName: String { "\(rawValue).yaml" }

  static func named(_ name: Substring) -> PolicyRole? {
    [.vocabulary, .collections, .principals, .agreements, .invariants].first { $0.fileName == name }
  }
}

extension StringProtocol {
  /// Letters and digits of ASCII, `.`, `-` and `_`: what a name may be made of that decisions, reports and paths show.
  var isPlainName: Bool {
    utf8.allSatisfy {
      (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0) || [0x2d, 0x2e, 0x5f].contains($0)
    }
  }
}

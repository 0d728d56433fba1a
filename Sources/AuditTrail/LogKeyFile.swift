/// The file of a log's signing key: the private key that signs now, and below it the public halves of those that signed before, newest first.
/// What they signed stays verifiable; they sign nothing any more.
package struct LogKeyFile: Sendable {
  package let signer: NoteSigner
  package let retired: [VerifierKey]

  package init(_ signer: NoteSigner, retired: [VerifierKey] = []) {
    self.signer = signer
    self.retired = retired
  }

  /// Reads what ``text`` wrote.
  /// - Throws: ``FormatError`` for anything else, and for a retired key of another log. The error quotes nothing: the file is a secret.
  package init(parsing text: String) throws(FormatError) {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard let first = lines.first, lines.last == "" || lines.count == 1 else { throw FormatError(.key, "no final line break") }
    signer = try NoteSigner(parsingPrivate: String(first))
    var retired: [VerifierKey] = []
    for (number, line) in lines.dropFirst().enumerated() where !(line.isEmpty && number == lines.count - 2) {
      let key = try VerifierKey(parsing: String(line))
      guard key.name == signer.verifierKey.name, key.algorithm == signer.verifierKey.algorithm else {
        throw FormatError(.key, line: number + 2, "a retired key of another log")
      }
      retired.append(key)
    }
    self.retired = retired
  }

  /// The keys of the log, the one that signs now first.
  package var verifierKeys: [VerifierKey] { [signer.verifierKey] + retired }

  /// With a new key, the one until now retired.
  /// - Parameter next: of the same log and algorithm.
  package func rotated(to next: NoteSigner) -> LogKeyFile { LogKeyFile(next, retired: verifierKeys) }

  /// A secret: for a file that only its owner can read.
  package var text: String { ([signer.privateText] + retired.map(\.description)).map { $0 + "\n" }.joined() }
}

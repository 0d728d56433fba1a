package import AuditTrail
import Cryptography
package import PolicyEngine
import Residency

/// A numbered and signed set of policy files: what regions take their policies from.
///
/// ```json
/// {"files":{"vocabulary.yaml":"…","lists/eea.yaml":"…"},"note":"domicile-policy-bundle/v1\n12\nsha256:…\n\n— policies.example …\n"}
/// ```
/// The note is a signed note (C2SP signed-note) over the number and the revision, and the revision a digest of the files
/// (``PolicySet/canonicalBytes(of:)``): a signature over the note is one over all of them. Tests are left out: they decide nothing.
package struct PolicyBundle: Sendable {
  package enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
    case malformed(String)
    case notSigned
    case note(NoteError)
    case otherRevision(stated: String, found: String)

    package var description: String {
      switch self {
      case .malformed(let what): "this is not a bundle of policies: \(what)"
      case .notSigned: "the bundle is not signed, and a key is configured: sign it with 'domicile policy bundle --key'"
      case .note(let error): "the bundle is not to be believed: \(error)"
      case .otherRevision(let stated, let found): "the bundle was changed: its files are \(found), not \(stated)"
      }
    }
  }

  /// Of two bundles the one with the greater number is the newer.
  package let sequence: UInt64
  package let revision: String
  package let files: [PolicyFile]
  private let note: SignedNote

  private static let title = "domicile-policy-bundle/v1"
  private static let byteCountMax = 16 << 20

  /// - Parameters:
  ///   - files: of one policy folder.
  ///   - signers: none for a bundle that only regions without a key take.
  package init(_ files: [PolicyFile], sequence: UInt64, signers: [NoteSigner]) throws {
    let root = PolicySet.folder(of: files)
    self.files = files.filter { !$0.isTest }.map { PolicyFile(path: String($0.path.dropFirst(root.count)), text: $0.text) }
    if let odd = self.files.first(where: { !PolicySet.isFileName($0.path) }) {
      throw Failure.malformed(
        "'\(odd.path)' is no name for a policy file: letters, digits, '-', '_' and '.', and .yaml at the end")
    }
    self.sequence = sequence
    revision = Self.revision(of: self.files)
    var note = try SignedNote(text: Array("\(Self.title)\n\(sequence)\n\(revision)\n".utf8))
    for signer in signers { note.add(try signer.sign(note.text, time: 0)) }
    self.note = note
  }

  /// Reads a bundle and checks it.
  /// - Parameter keys: those that may sign; empty where none is configured: then nobody's signature is asked for.
  package init(parsing bytes: [UInt8], keys: [VerifierKey]) throws(Failure) {
    guard bytes.count <= Self.byteCountMax else { throw .malformed("it is larger than \(Self.byteCountMax >> 20) MiB") }
    let json: JSONValue
    do { json = try JSONValue(parsing: bytes) } catch { throw .malformed("it is not JSON") }
    guard case .object(let members) = json, members.count == 2, case .object(let texts)? = members["files"],
      let noteText = members["note"]?.stringValue
    else { throw .malformed("it has not just 'files' and 'note'") }
    files = try texts.sorted { $0.key < $1.key }.map { name, text throws(Failure) in
      guard let text = text.stringValue else { throw .malformed("'\(name)' is not text") }
      guard PolicySet.isFileName(name) else { throw .malformed("it has a file of a name that no policy file has") }
      return PolicyFile(path: name, text: text)
    }
    note = try Self.note(noteText, keys: keys)
    let lines = String(decoding: note.text, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.count == 4, lines[0] == Self.title, let sequence = UInt64(lines[1]), String(sequence) == lines[1] else {
      throw .malformed("its note is another's")
    }
    self.sequence = sequence
    revision = String(lines[2])
    let found = Self.revision(of: files)
    guard found == revision else { throw .otherRevision(stated: revision, found: found) }
  }

  private static func note(_ text: String, keys: [VerifierKey]) throws(Failure) -> SignedNote {
    guard !keys.isEmpty else {
      do {
        // Signatures come after an empty line, which the text has none of.
        return text.contains("\n\n") ? try SignedNote(parsing: Array(text.utf8)) : try SignedNote(text: Array(text.utf8))
      } catch { throw .malformed("its note has no form") }
    }
    let note: SignedNote
    do { note = try SignedNote(parsing: Array(text.utf8)) } catch { throw .notSigned }
    do {
      _ = try note.verify(with: keys)
      return note
    } catch { throw .note(error) }
  }

  private static func revision(of files: [PolicyFile]) -> String {
    "sha256:\(SHA256.hash(PolicySet.canonicalBytes(of: files)).hex)"
  }

  /// Who signed it.
  package var signers: [String] { note.signatures.map { $0.name.description } }

  package var bytes: [UInt8] {
    let texts = Dictionary(uniqueKeysWithValues: files.map { ($0.path, JSONValue.string($0.text)) })
    let text = note.signatures.isEmpty ? note.text : note.bytes
    return JSONValue.object(["files": .object(texts), "note": .string(String(decoding: text, as: UTF8.self))]).canonicalBytes + [
      0x0a
    ]
  }
}

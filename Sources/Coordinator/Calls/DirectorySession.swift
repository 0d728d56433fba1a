import ConnectRPC
import Cryptography
import Directory
import HTTPTypes
import Residency
import Synchronization

/// What a caller has seen of the directory, in whichever region: carried from answer to call in the header `Domicile-Session`.
///
/// A region that is asked with it shows no less, or says that it cannot. It names logs and places in them, nobody in them, and gives no
/// right to anything; it is signed so that nobody makes a region wait for what never was.
struct DirectorySession: Hashable, Sendable {
  static let header = "Domicile-Session"
  private static let version: UInt8 = 1
  private static let codeBytes = 32
  /// More than 100 logs, which is more than regions times restores.
  private static let textMax = 2_048

  var seen: VersionVector

  init(seen: VersionVector = VersionVector()) { self.seen = seen }

  /// - Parameter key: the same in all regions of a deployment.
  /// - Throws: a ``Refusal`` unless `text` was made under `key`.
  init(_ text: String, key: [UInt8]) throws(Refusal) {
    guard text.utf8.count <= Self.textMax, let bytes = [UInt8](base64URL: text), bytes.count > Self.codeBytes + 1,
      bytes[0] == Self.version
    else { throw Self.malformed }
    let content = Array(bytes.dropLast(Self.codeBytes))
    guard HMACSHA256.isValid(Array(bytes.suffix(Self.codeBytes)), for: content, key: key),
      let vector = try? VersionVector(decoding: Array(content.dropFirst()))
    else { throw Self.malformed }
    seen = vector
  }

  func text(key: [UInt8]) -> String {
    let content = [Self.version] + seen.encoded
    return (content + HMACSHA256.code(for: content, key: key)).base64URL
  }

  private static let malformed = Refusal(
    .invalidArgument, .invalidArgument,
    "\(header) is not what a region of this deployment gave out. Leave it out to begin a new session.")
}

/// One call's session: what it began with, and what has been seen since.
final class SessionTrace: Sendable {
  /// What must be shown, at least.
  let required: VersionVector
  private let seen: Mutex<VersionVector>

  init(_ session: DirectorySession = DirectorySession()) {
    required = session.seen
    seen = Mutex(session.seen)
  }

  /// - Throws: ``ConnectError`` where the call carries a session that is none.
  convenience init(_ context: CallContext, key: [UInt8]) throws {
    guard let name = HTTPField.Name(DirectorySession.header), let text = context.headers[name] else {
      self.init()
      return
    }
    do throws(Refusal) { self.init(try DirectorySession(text, key: key)) } catch { throw error.connectError }
  }

  var vector: VersionVector { seen.withLock { $0 } }

  func saw(_ positions: [LogPosition]) {
    guard !positions.isEmpty else { return }
    seen.withLock { for position in positions { $0.advance(to: position) } }
  }

  /// The answer carries on what the call began with, and all that it saw.
  /// - Parameter cuts: the first entries of branches that do not count.
  func write(to context: CallContext, key: [UInt8], before cuts: Set<LogPosition> = []) {
    let vector = vector.before(cuts)
    guard !vector.isEmpty, let name = HTTPField.Name(DirectorySession.header) else { return }
    context.responseHeaders[name] = DirectorySession(seen: vector).text(key: key)
  }
}

import Foundation
package import Residency

/// The number of the newest bundle that a region has taken, on disk: an older one is refused, after a restart, too.
package struct PolicyLedger: Sendable {
  package enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
    case older(sequence: UInt64, taken: UInt64)
    case otherWithSameNumber(sequence: UInt64)
    case unreadable(String, String)

    package var description: String {
      switch self {
      case .older(let sequence, let taken):
        "bundle \(sequence) is older than \(taken), which this region has taken: to go back, bundle the old files with a greater number"
      case .otherWithSameNumber(let sequence):
        "there is another bundle \(sequence), which this region has taken: give each its own number"
      case .unreadable(let path, let why):
        "\(path) does not say which bundle was taken last (\(why)): restore it, or remove it if you know that none was"
      }
    }
  }

  private let path: String

  package init(state: StateFolder, region: RegionID) { path = "\(state.folder(of: region))/policy.json" }

  private struct Taken {
    let sequence: UInt64
    let revision: String
  }

  private func taken() throws -> Taken? {
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    guard let data = FileManager.default.contents(atPath: path) else { throw Failure.unreadable(path, "it cannot be read") }
    let found: JSONValue
    do { found = try JSONValue(parsing: data) } catch { throw Failure.unreadable(path, "\(error)") }
    guard let sequence = found["sequence"]?.stringValue.flatMap({ UInt64($0) }), let revision = found["revision"]?.stringValue
    else { throw Failure.unreadable(path, "it has no 'sequence' and 'revision'") }
    return Taken(sequence: sequence, revision: revision)
  }

  /// - Throws: ``Failure`` where the bundle is not to be taken.
  package func check(_ bundle: PolicyBundle) throws {
    guard let taken = try taken() else { return }
    if bundle.sequence < taken.sequence { throw Failure.older(sequence: bundle.sequence, taken: taken.sequence) }
    if bundle.sequence == taken.sequence, bundle.revision != taken.revision {
      throw Failure.otherWithSameNumber(sequence: bundle.sequence)
    }
  }

  /// Before the bundle decides anything.
  package func take(_ bundle: PolicyBundle) throws {
    try check(bundle)
    let text = JSONValue.object(["sequence": .string(String(bundle.sequence)), "revision": .string(bundle.revision)])
    try DurableFile.write(text.canonicalBytes + [0x0a], to: path, access: .everyoneReads)
  }
}

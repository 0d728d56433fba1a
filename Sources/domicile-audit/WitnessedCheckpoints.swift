import AuditTrail
import Cryptography
import Foundation

/// What witnesses saw last of a log, from them and not from the log: a log that takes back leaves or checkpoints which a witness has
/// seen is convicted by its own signature.
struct WitnessedCheckpoints {
  static let none = WitnessedCheckpoints(checkpoints: [])

  let checkpoints: [Checkpoint]

  /// How long a log may take to publish what its witnesses have seen: it asks them first.
  private static let patience = Duration.seconds(10)

  private init(checkpoints: [Checkpoint]) { self.checkpoints = checkpoints }

  /// - Parameter places: checkpoint files, or folders and URLs under which a witness publishes `<hex sha256(origin)>/checkpoint`
  ///   (C2SP tlog-witness).
  /// - Throws: ``AuditFailure`` where one has no checkpoint, or none that a log of the trust file signed.
  init(from places: [String], trust: TrustFile, source: (String) throws -> any LogSource) async throws {
    var checkpoints: [Checkpoint] = []
    for place in places {
      var isFolder: ObjCBool = false
      let isFile = FileManager.default.fileExists(atPath: place, isDirectory: &isFolder) && !isFolder.boolValue
      let notes = isFile ? [try readFile(place, .incomplete)] : try await Self.notes(at: place, trust, try source(place))
      for note in notes {
        do throws(AuditFailure) {
          checkpoints.append(try TrustedCheckpoint(reading: note, trust).checkpoint)
        } catch {
          throw AuditFailure(error.exit, "\(place): the witness's checkpoint: \(error)")
        }
      }
    }
    self.checkpoints = checkpoints
  }

  private static func notes(at place: String, _ trust: TrustFile, _ source: any LogSource) async throws -> [[UInt8]] {
    var notes: [[UInt8]] = []
    for origin in Set(trust.policy.logs.map(\.key.name)) {
      switch await source.fetch("\(SHA256.digest(of: origin.utf8))/checkpoint") {
      case .bytes(let bytes): notes.append(bytes)
      case .absent: continue
      case .failed(let problem): throw AuditFailure(.incomplete, "\(place): the witness's checkpoint: \(problem)")
      }
    }
    guard !notes.isEmpty else { throw AuditFailure(.incomplete, "\(place): the witness has seen no log of the trust file") }
    return notes
  }

  /// The log's checkpoint; of a running region once it is not behind what the witnesses saw, or after ``patience`` as it is.
  func checkpoint(of source: any LogSource) async throws -> FetchedTile {
    let start = ContinuousClock.now
    while true {
      let fetched = await source.fetch("checkpoint")
      guard source is WebSource, isBehind(fetched), ContinuousClock.now - start < Self.patience else { return fetched }
      try await Task.sleep(for: .seconds(1))
    }
  }

  private func isBehind(_ fetched: FetchedTile) -> Bool {
    guard case .bytes(let bytes) = fetched, let text = try? SignedNote(parsing: bytes).text,
      let served = try? Checkpoint(parsing: text)
    else { return false }
    return checkpoints.contains { $0.origin == served.origin && $0.size > served.size }
  }
}

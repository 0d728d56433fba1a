import Foundation
package import Logging

/// An issuer's key set in a file, read again when the file changes.
///
/// A new version that cannot be used leaves the old keys in force and is logged once: a slip while rotating keys must not
/// lock every caller out. To withdraw a key, publish a set without it.
package actor IssuerKeyFile {
  private struct Version: Equatable {
    let modified: Date?
    let size: UInt64
    let fileNumber: UInt64
  }

  private struct Failure: Equatable {
    let version: Version?
    let error: IssuerKeyError
  }

  private static let byteCountMax = 1 << 20

  package nonisolated let path: String
  /// How long the file is not looked at again. A token with an unknown key looks at once.
  private let checkInterval: Duration
  private let logger: Logger
  private let clock = ContinuousClock()
  private var keys: IssuerKeys?
  private var version: Version?
  /// The last, if the file as it is now cannot be used: it is logged once, and not read again before it changes.
  private var failure: Failure?
  private var checkedAt: ContinuousClock.Instant?

  package init(path: String, checkInterval: Duration = .seconds(1), logger: Logger) {
    self.path = path
    self.checkInterval = checkInterval
    self.logger = logger
  }

  /// Reads the file now, so that a server without keys does not start.
  /// - Throws: where the file is not there or holds nothing usable.
  package func load() async throws(IssuerKeyError) {
    let version = try currentVersion()
    keys = try await read()
    self.version = version
    checkedAt = clock.now
  }

  /// The keys in force; `nil` where no version of the file was ever usable.
  func current(checkingNow: Bool = false) async -> IssuerKeys? {
    if !checkingNow, let checkedAt, clock.now - checkedAt < checkInterval, keys != nil { return keys }
    checkedAt = clock.now
    var seen: Version?
    do throws(IssuerKeyError) {
      let found = try currentVersion()
      seen = found
      guard found != version, found != failure?.version else { return keys }
      keys = try await read()
      version = found
      failure = nil
      logger.info("issuer keys loaded", metadata: ["path": "\(path)", "keys": "\(keys?.keys.count ?? 0)"])
    } catch {
      let latest = Failure(version: seen, error: error)
      if failure != latest {
        logger.error("issuer keys not usable, the former stay in force", metadata: ["path": "\(path)", "error": "\(error)"])
      }
      failure = latest
    }
    return keys
  }

  private func currentVersion() throws(IssuerKeyError) -> Version {
    do {
      let attributes = try FileManager.default.attributesOfItem(atPath: path)
      return Version(
        modified: attributes[.modificationDate] as? Date,
        size: (attributes[.size] as? NSNumber)?.uint64Value ?? 0,
        fileNumber: (attributes[.systemFileNumber] as? NSNumber)?.uint64Value ?? 0)
    } catch {
      throw .unreadable(path: path)
    }
  }

  private func read() async throws(IssuerKeyError) -> IssuerKeys {
    guard let data = FileManager.default.contents(atPath: path) else { throw .unreadable(path: path) }
    guard data.count <= Self.byteCountMax else { throw .notKeySet }
    return try await IssuerKeys(keySet: [UInt8](data))
  }
}

import AuditTrail
import Cryptography
import Foundation
import Residency

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Where a log is read from. It is not trusted: everything it gives is checked against signatures.
protocol LogSource: Sendable {
  var name: String { get }
  /// The bytes of a file of the log's layout, e.g. `checkpoint` or `tile/0/000`.
  func fetch(_ path: String) async -> FetchedTile
  /// The body that says under which pseudonyms the log speaks of a subject; `.absent` where it never did, or the subject was
  /// erased.
  func fetchPseudonyms(of subject: SubjectID) async -> FetchedTile
  /// A page of the body that says at which versions the records are that the region stores.
  /// - Parameter token: of the page before; empty for the first.
  func fetchStoredVersions(after token: String) async -> FetchedTile
}

extension LogSource {
  /// A tile; where a partial one is gone, the full one that replaced it. Also says which of them it is.
  func fetch(_ coordinate: TileCoordinate) async -> (path: String, FetchedTile) {
    let fetched = await fetch(coordinate.path)
    if case .absent = fetched, !coordinate.isFull, case .bytes(let bytes) = await fetch(coordinate.full.path) {
      return (coordinate.full.path, .bytes(bytes))
    }
    return (coordinate.path, fetched)
  }

  /// All of `coordinates`, at the same time.
  func fetch(_ coordinates: [TileCoordinate]) async -> [(at: TileCoordinate, path: String, fetched: FetchedTile)] {
    await withTaskGroup(of: (TileCoordinate, String, FetchedTile).self) { group in
      for coordinate in coordinates {
        group.addTask {
          let (path, fetched) = await fetch(coordinate)
          return (coordinate, path, fetched)
        }
      }
      return await group.reduce(into: []) { $0.append(($1.0, $1.1, $1.2)) }
    }
  }

  func pseudonyms(of subject: SubjectID) async throws(AuditFailure) -> Set<AuditPseudonym> {
    switch await fetchPseudonyms(of: subject) {
    case .bytes(let bytes): return try SubjectFile(parsing: bytes, source: name).pseudonyms
    case .absent: return []
    case .failed(let problem): throw AuditFailure(.incomplete, "\(name): the subject's pseudonyms: \(problem)")
    }
  }
}

/// `{"pseudonyms":[{"period":"2026-11","pseudonym":"<hex>"}]}`: from a region, or in an exported folder.
struct SubjectFile {
  let pseudonyms: Set<AuditPseudonym>

  /// In an exported folder: the name does not say whose it is, but to who knows the subject's id.
  static func path(of subject: SubjectID) -> String { "subjects/\(SHA256.digest(of: Array(subject.rawValue.utf8))).json" }

  init(parsing bytes: [UInt8], source: String) throws(AuditFailure) {
    let document: JSONValue
    do {
      document = try JSONValue(parsing: bytes)
    } catch {
      throw AuditFailure(.incomplete, "\(source): the subject's pseudonyms are not JSON")
    }
    var pseudonyms: Set<AuditPseudonym> = []
    // ProtoJSON leaves an empty list out.
    for item in document["pseudonyms"]?.arrayValue ?? [] {
      guard let period = item["period"]?.stringValue.flatMap({ AuditPeriod($0) }),
        let code = item["pseudonym"]?.stringValue.flatMap({ [UInt8](hex: $0) }).flatMap({ SHA256Digest($0) })
      else { throw AuditFailure(.incomplete, "\(source): a pseudonym is not a period and 64 hexadecimal digits") }
      pseudonyms.insert(AuditPseudonym(period: period, code: code))
    }
    self.pseudonyms = pseudonyms
  }
}

/// A folder with a log's files: an exported bundle, or a region's tile folder.
struct FolderSource: LogSource {
  let folder: URL
  var name: String { folder.path(percentEncoded: false) }

  /// The largest file of a log: 256 entries of 65,535 bytes.
  static let fileByteCountMax = 256 * 65_537

  func fetch(_ path: String) async -> FetchedTile {
    // Whoever wrote the folder may have put anything there: a pipe would wait for a writer, a device would never end.
    let descriptor = open(folder.appending(path: path).path(percentEncoded: false), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
    guard descriptor >= 0 else { return Self.failure(errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return .failed("cannot be read") }
    guard status.st_mode & S_IFMT == S_IFREG else { return .failed("not a file") }
    let size = Int(status.st_size)
    guard size <= Self.fileByteCountMax else { return .failed("larger than a file of a log can be") }
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      while count < size {
        let step = pread(descriptor, buffer.baseAddress?.advanced(by: count), size - count, off_t(count))
        if step > 0 { count += step } else if step == 0 || errno != EINTR { return }
      }
    }
    return bytes.count == size ? .bytes(bytes) : .failed("cannot be read")
  }

  private static func failure(_ code: CInt) -> FetchedTile {
    switch code {
    case ENOENT: .absent
    case ENOTDIR: .failed("not there: something on the way to it is no folder")
    case ELOOP: .failed("cannot be read: its links lead in a circle")
    case EACCES: .failed("cannot be read: no permission")
    default: .failed("cannot be read")
    }
  }

  func fetchPseudonyms(of subject: SubjectID) async -> FetchedTile { await fetch(SubjectFile.path(of: subject)) }

  func fetchStoredVersions(after token: String) async -> FetchedTile { .failed("a folder has a log, and no rows") }
}

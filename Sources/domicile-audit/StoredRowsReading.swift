import AuditTrail
import Cryptography
import Foundation
import Residency

extension LogTarget {
  /// People of whom a region may tell: more is no region's, but an answer that does not end.
  private static let subjectsMax = 50_000_000
  /// How long a region may take to publish a leaf: it asks its witnesses first.
  private static let patience = Duration.seconds(15)

  /// Asks the region, page by page, at which versions its records are. Why one could not be had is in what is returned.
  func readStoredRows() async -> StoredRows {
    var rows = StoredRows()
    var progress = Progress("reading the rows of \(name)", total: nil, unit: "people")
    var token = ""
    repeat {
      do throws(FormatError) {
        token = try await readPage(after: token, &rows)
      } catch {
        rows.problem = error.problem
        token = ""
      }
      progress.update(rows.count)
    } while !token.isEmpty
    progress.end()
    return rows
  }

  /// - Returns: the next page's token; empty where this was the last.
  private func readPage(after token: String, _ rows: inout StoredRows) async throws(FormatError) -> String {
    let bytes: [UInt8]
    switch await source.fetchStoredVersions(after: token) {
    case .bytes(let found): bytes = found
    case .absent: throw FormatError(.storedRows, "the region does not tell of them: it runs an older Domicile")
    case .failed(let problem): throw FormatError(.storedRows, problem)
    }
    let (page, next) = try StoredVersionsFile.page(bytes)
    try rows.add(page)
    guard next.isEmpty || !page.subjects.isEmpty else {
      throw FormatError(.storedRows, "a page without people that is not the last")
    }
    guard rows.count <= Self.subjectsMax else { throw FormatError(.storedRows, "more than \(Self.subjectsMax) people") }
    return next
  }

  /// Returns once the region has published so many leaves, or has taken too long.
  func waitForCheckpoint(covering size: Int) async {
    let start = ContinuousClock.now
    while await (fetchCheckpoint().claimedSize ?? .max) < size, ContinuousClock.now - start < Self.patience {
      do { try await Task.sleep(for: .milliseconds(500)) } catch { return }
    }
  }
}

extension FetchedTile {
  /// How many leaves a checkpoint says that there are. Nothing is verified.
  fileprivate var claimedSize: Int? {
    guard case .bytes(let bytes) = self else { return nil }
    do throws(FormatError) {
      return try Checkpoint(parsing: try SignedNote(parsing: bytes).text).size
    } catch {
      return nil
    }
  }
}

extension VerificationReport {
  /// With what the region's rows say, where the log is whole: of one that is not, leaves are missing that rows may be of.
  func adding(_ reconciliation: RowReconciliation) -> VerificationReport {
    guard verified != nil, !findings.contains(where: \.hidesLeaves) else {
      return adding([], notChecked: ["the stored rows: the log that they would be held against is not whole"])
    }
    let outcome = reconciliation.outcome(size: leavesVerified)
    return adding(
      outcome.findings, leftOut: outcome.findingsLeftOut, observations: outcome.observations, notChecked: outcome.notChecked)
  }
}

extension Finding {
  fileprivate var hidesLeaves: Bool {
    switch self {
    case .missing, .leavesMissing, .leafChanged, .leafUnproven, .leafDisagrees, .leafUnreadable, .rootMismatch, .stopped: true
    default: false
    }
  }
}

/// A page of ListStoredVersions in ProtoJSON, which writes 64 bits as text and leaves out what is zero or empty.
private struct StoredVersionsFile: Decodable {
  struct Rows: Decodable {
    let version: String?
    let count: String?
  }

  struct Collection: Decodable {
    let collection: String?
    let rows: [Rows]?
  }

  struct Pseudonym: Decodable {
    let period: String?
    let pseudonym: String?
  }

  struct Subject: Decodable {
    let pseudonyms: [Pseudonym]?
    let collections: [Collection]?
    let frozen: Bool?
    let cutShort: Bool?
    let atHome: Bool?
    let homeRegion: String?
    let leaving: Bool?
  }

  let auditSize: String?
  let subjects: [Subject]?
  let nextPageToken: String?

  static func page(_ bytes: [UInt8]) throws(FormatError) -> (StoredRowsPage, nextPageToken: String) {
    let file: StoredVersionsFile
    do {
      file = try JSONDecoder().decode(StoredVersionsFile.self, from: Data(bytes))
    } catch {
      throw FormatError(.storedRows, "the answer is not one of ListStoredVersions")
    }
    guard let size = Int(file.auditSize ?? "0"), size >= 0 else { throw FormatError(.storedRows, "no size of the log") }
    var subjects: [StoredSubject] = []
    for subject in file.subjects ?? [] { subjects.append(try subject.stored) }
    return (StoredRowsPage(auditSize: size, subjects: subjects), file.nextPageToken ?? "")
  }
}

extension StoredVersionsFile.Subject {
  private var home: StoredHome {
    guard let atHome else { return .untold }
    guard !atHome else { return .here }
    return homeRegion.map { $0.isEmpty ? .nowhere : .elsewhere($0) } ?? .nowhere
  }

  var stored: StoredSubject {
    get throws(FormatError) {
      var names: [AuditPseudonym] = []
      for name in pseudonyms ?? [] {
        guard let period = AuditPeriod(name.period ?? ""),
          let code = [UInt8](hex: name.pseudonym ?? "").flatMap({ SHA256Digest($0) })
        else { throw FormatError(.storedRows, "a pseudonym is not a period and 64 hexadecimal digits") }
        names.append(AuditPseudonym(period: period, code: code))
      }
      var versions: [CollectionName: [Int64: UInt64]] = [:]
      for part in collections ?? [] {
        for rows in part.rows ?? [] {
          guard let version = Int64(rows.version ?? "0"), let count = UInt64(rows.count ?? "0"),
            versions[CollectionName(part.collection ?? ""), default: [:]].updateValue(count, forKey: version) == nil
          else { throw FormatError(.storedRows, "versions of a collection are not numbers, each with one count") }
        }
      }
      return StoredSubject(
        pseudonyms: names, rows: versions, isFrozen: frozen ?? false, isCutShort: cutShort ?? false,
        home: home, isLeaving: leaving ?? false)
    }
  }
}

import ConnectRPC
import Coordinator
import Directory
import DomicileAPI
import Residency

/// The regions of a laboratory as its checks see them: through their coordinators, and in their databases.
struct PartitionScene: Sendable {
  let clients: [PartitionClient]
  private let watchers: [DirectoryWatcher]
  private let tagger: SubjectTagger
  private let catalog: RegionCatalog

  static let patience = Duration.seconds(60)

  init(_ regions: LabRegions) async throws {
    catalog = regions.catalog
    guard let first = catalog.regions.first else { throw DirectoryBench.Failure.noRegion }
    tagger = try RegionSecrets(state: regions.state, region: first).tagger
    var clients: [PartitionClient] = []
    var watchers: [DirectoryWatcher] = []
    for region in catalog.regions {
      guard let cluster = await regions.deployment.cluster(of: region.id) else { throw DirectoryBench.Failure.noRegion }
      clients.append(try await PartitionClient(region, regions))
      watchers.append(try await DirectoryWatcher(region.id, cluster))
    }
    self.clients = clients
    self.watchers = watchers
  }

  func close() async {
    for client in clients { await client.shutdown() }
    for watcher in watchers { await watcher.close() }
  }

  subscript(region: RegionID) -> PartitionClient? { clients.first { $0.region == region } }

  private func tag(of subject: String) throws -> SubjectTag {
    guard let id = SubjectID(subject), let tag = tagger.tag(of: id) else { throw DirectoryBench.Failure.noRegion }
    return tag
  }

  /// Waits until every region's copy has everybody at the home that acknowledged them, and all copies come to the same.
  /// - Returns: when that was so; `nil` where it was not in time.
  func converge(
    on registered: [String: RegionID], contested: Set<String>
  ) async throws -> ContinuousClock.Instant? {
    var wanted: [SubjectTag: RegionOrdinal] = [:]
    for (subject, home) in registered { wanted[try tag(of: subject)] = catalog[home]?.ordinal }
    let twice = try contested.map { try tag(of: $0) }
    let end = ContinuousClock.now + Self.patience
    while .now < end {
      if try await holdAll(wanted, contested: twice) {
        let now = ContinuousClock.now
        if try await areSame() { return now }
      }
      try await Task.sleep(for: .milliseconds(20))
    }
    return nil
  }

  private func holdAll(_ wanted: [SubjectTag: RegionOrdinal], contested: [SubjectTag]) async throws -> Bool {
    for watcher in watchers {
      guard try await watcher.homes(of: Array(wanted.keys)) == wanted else { return false }
      guard try await watcher.contestedCount(of: contested) == contested.count else { return false }
    }
    return true
  }

  /// What the regions themselves say of it.
  private func areSame() async throws -> Bool {
    guard let first = clients.first else { return false }
    for other in clients.dropFirst() {
      do throws(ConnectError) {
        let comparison = try await first.compare(with: other.region)
        guard comparison.equal, comparison.differences.isEmpty else { return false }
      } catch {
        return false
      }
    }
    return true
  }

  /// Who was registered on two sides is contested everywhere.
  func checkContests(_ subjects: Set<String>, _ ledger: PartitionLedger) async {
    for subject in subjects {
      for client in clients {
        do throws(ConnectError) {
          let found = try await client.locate(subject, timeout: .seconds(10))
          if found.state != .contested || found.candidates.count != 2 {
            ledger.violation("\(client.region): who was registered on two sides is \(found.state)")
          }
        } catch {
          ledger.violation("\(client.region): who was registered on two sides: \(error.reason ?? error.code.rawValue)")
        }
      }
    }
  }

  /// All regions show the same of a document, and that is all that nobody has written over.
  func checkDocument(_ key: String, _ ledger: PartitionLedger) async {
    for mark in ledger.tally.document.missed.sorted() {
      ledger.violation("a document did not show \(mark) right after it was written")
    }
    for client in clients {
      do throws(ConnectError) {
        let marks = try await client.marks(of: key, timeout: .seconds(10)).marks
        if !ledger.tally.document.allows(marks) {
          ledger.violation(
            "\(client.region): of a document that was written on all sides it shows \(marks.sorted()); \(ledger.tally.document.requirement)"
          )
        }
      } catch {
        ledger.violation("\(client.region): a document: \(error.reason ?? error.code.rawValue)")
      }
    }
  }

  /// Until the task is cancelled: how far a region holds a log never goes back.
  func watchVectors(_ ledger: PartitionLedger) async {
    var last: [RegionID: VersionVector] = [:]
    while !Task.isCancelled {
      for watcher in watchers {
        do {
          let now = try await watcher.vector()
          if let before = last[watcher.region], !before.positions.allSatisfy(now.includes) {
            ledger.violation("\(watcher.region): its version vector went back")
          }
          last[watcher.region] = now
        } catch {
          // The end of the run cuts a reading short.
          if !Task.isCancelled { ledger.violation("\(watcher.region): its version vector cannot be read: \(error)") }
          return
        }
      }
      do { try await Task.sleep(for: .milliseconds(100)) } catch { return }
    }
  }
}

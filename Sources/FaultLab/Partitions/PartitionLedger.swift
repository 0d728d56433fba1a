import Directory
import Residency
import Synchronization

/// The writes of one document by writers who each read it first, and what has to be left of them.
struct DocumentWrites: Hashable, Sendable {
  private(set) var acknowledged: Set<String> = []
  /// Whether they took effect is not known.
  private(set) var unanswered: Set<String> = []
  /// What somebody had read who wrote.
  private var writtenOver: Set<String> = []
  private var perhapsWrittenOver: Set<String> = []
  private var notShown: Set<String> = []

  mutating func wrote(_ mark: String, over seen: Set<String>) {
    acknowledged.insert(mark)
    writtenOver.formUnion(seen)
  }

  mutating func mayHaveWritten(_ mark: String, over seen: Set<String>) {
    unanswered.insert(mark)
    perhapsWrittenOver.formUnion(seen)
  }

  /// The region that took the write did not show it to a reader right after. Somebody may have read it, and written over it.
  mutating func didNotShow(_ mark: String) { notShown.insert(mark) }

  /// Writes that their own region did not show, and that nobody had written over.
  var missed: Set<String> { notShown.subtracting(writtenOver).subtracting(perhapsWrittenOver) }

  /// Whether a region that has seen all writes may show `marks`: all that nobody had read who wrote later, and nothing that somebody had.
  func allows(_ marks: Set<String>) -> Bool { marks.isSuperset(of: required) && marks.isSubset(of: possible) }

  private var required: Set<String> { acknowledged.subtracting(writtenOver).subtracting(perhapsWrittenOver) }
  private var possible: Set<String> { acknowledged.union(unanswered).subtracting(writtenOver) }

  /// In words.
  var requirement: String { "it has to show \(required.sorted()), and may show \(possible.subtracting(required).sorted())" }
}

/// What a run has seen: all that regions acknowledged, and all that should not have been.
final class PartitionLedger: Sendable {
  struct Tally: Sendable {
    /// Registrations that a region acknowledged, with their homes.
    var registered: [String: RegionID] = [:]
    var lookUps = 0
    /// Writes of the document that all regions hold.
    var document = DocumentWrites()
    /// Calls that carried a session to another region, by what came of them.
    var sessionsServed = 0
    var sessionsStale = 0
    var sessionsUnanswered = 0
    var quorumConfirmed = 0
    var quorumUnconfirmed = 0
    var violations: [String] = []
  }

  private let state = Mutex(Tally())

  var tally: Tally { state.withLock { $0 } }

  func update(_ body: (inout Tally) -> Void) { state.withLock { body(&$0) } }

  /// The first of them are told in full.
  func violation(_ what: String) { state.withLock { $0.violations.append(what) } }

  func registered(_ subject: String, in region: RegionID) { state.withLock { $0.registered[subject] = region } }

  /// One that somebody was told of before; `nil` where there is none.
  func anybody(using random: inout SeededGenerator) -> (subject: String, home: RegionID)? {
    state.withLock { state in state.registered.randomElement(using: &random).map { ($0.key, $0.value) } }
  }
}

import AuditTrail
import Directory
import DomicileAPI
import RegionStore
import Residency
import SwiftProtobuf

/// A call about one subject, as the subject's home executes it: what it must know, and what it decides on that.
///
/// A procedure is a pure value. The dispatcher finds the home, runs it there through the group committer, and releases its
/// answer only when its leaf is committed.
protocol SubjectProcedure: Sendable {
  associatedtype Request: SubjectRequest
  associatedtype Response: RecordedAnswer

  static var name: ProcedureName { get }
  /// What the home's log calls it.
  static var activityAtHome: AuditActivity { get }
  /// What the asking region's own log calls it where the subject is at home elsewhere.
  static var activityAbroad: AuditActivity { get }
  /// Checks the request's form.
  init(_ request: Request, call: Call) throws(Refusal)
  var call: Call { get }
  var subject: SubjectTag { get }
  var needs: FactsNeeded { get }
  /// How current the records have to be that it reads.
  var readPreference: ReadPreference { get }
  /// When it counts as done.
  var concern: WriteConcern { get }
  /// Why, and of what: for the asking region's log.
  var recordedPurpose: Purpose? { get }
  var recordedCollection: CollectionName? { get }
  /// Whether it may be sent to where memory says that the subject is at home, before the own store is asked.
  static var goesByMemory: Bool { get }
  /// The region that the request itself names; `nil` where the directory knows it.
  var destination: RegionDescriptor? { get }
  func decide(_ facts: Facts, _ effects: inout Effects) throws -> HomeAnswer<Response>
}

extension SubjectProcedure {
  /// A write has one name on both sides; a read abroad is an import.
  static var activityAtHome: AuditActivity { writes ? activityAbroad : .read }
  static var activityAbroad: AuditActivity { .importRecord }
  /// Whether it may change something at the home.
  static var writes: Bool { activityAbroad != .importRecord }
  var readPreference: ReadPreference { .linearizable }
  var concern: WriteConcern { .standard }
  var recordedPurpose: Purpose? { nil }
  var recordedCollection: CollectionName? { nil }
  var destination: RegionDescriptor? { nil }
  static var goesByMemory: Bool { true }
}

struct ProcedureName: Hashable, Sendable, CustomStringConvertible {
  let service: String
  let method: String

  var description: String { "\(service)/\(method)" }
}

/// What a procedure decided.
enum HomeAnswer<Response: Sendable>: Sendable {
  case answered(Response)
  /// The same request was answered before: that answer, with its receipt.
  case repeated(Response)
  /// Recorded, and not answered.
  case refused(Refusal)
  /// The subject is not at home in this region. Nothing was read, decided or recorded.
  case elsewhere(PlacementLookup)
}

/// A request about one subject.
protocol SubjectRequest: Message, Sendable {
  var subjectID: String { get }
}

/// An answer to a call that was recorded.
protocol RecordedAnswer: Message, Sendable {
  /// Of the call's first leaf.
  var receiptOfHome: Domicile_V1_Receipt? { get }
  /// - Parameter receipts: Of the call's leaves, in order.
  mutating func attach(receipts: [Domicile_V1_Receipt])
  /// How it was committed.
  mutating func attach(_ commit: CommitStanding)
  /// The asking region's own record, where the call crossed a border.
  mutating func attach(importReceipt: Domicile_V1_Receipt)
}

extension RecordedAnswer {
  mutating func attach(_ commit: CommitStanding) {}
  mutating func attach(importReceipt: Domicile_V1_Receipt) {}
}

/// An answer to a call with a single leaf.
protocol ReceiptCarrying: RecordedAnswer {
  var receipt: Domicile_V1_Receipt { get set }
  var hasReceipt: Bool { get }
}

extension ReceiptCarrying {
  var receiptOfHome: Domicile_V1_Receipt? { hasReceipt ? receipt : nil }
  mutating func attach(receipts: [Domicile_V1_Receipt]) {
    if let first = receipts.first { receipt = first }
  }
}

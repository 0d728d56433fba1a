import Directory
import RegionStore
import Residency

/// What becomes of an account here once another region's keeps the id.
struct YieldPlan: Hashable, Sendable {
  /// How far it is.
  enum Step: Hashable, Sendable {
    /// The resolution has not arrived.
    case agreed
    /// The account under the new id exists, and gets the records of the old one. Neither takes writes.
    case copying(to: SubjectState)
    /// The account is gone from under the old id; its keys may be left.
    case removed
  }

  let tag: SubjectTag
  let keeper: RegionOrdinal
  /// Under which the account lives on; `nil`: it is erased.
  let newTag: SubjectTag?
  var step = Step.agreed

  /// One for each region that may come to keep the id: two resolutions may be under way.
  var workflow: Workflow { Workflow(id: id, body: body) }

  private var id: Workflow.ID {
    Workflow.ID(.yield, key: tag.bytes + [UInt8(keeper.rawValue >> 8), UInt8(truncatingIfNeeded: keeper.rawValue)])
  }
}

extension YieldPlan {
  /// Tag, keeper, new tag or zeros, and the state that the copied account is to have; empty where nothing is copied yet, a dash where
  /// nothing is left to copy.
  private var body: [UInt8] {
    var bytes = tag.bytes + [UInt8(keeper.rawValue >> 8), UInt8(truncatingIfNeeded: keeper.rawValue)]
    bytes += newTag?.bytes ?? [UInt8](repeating: 0, count: SubjectTag.byteCount)
    switch step {
    case .agreed: return bytes
    case .copying(let state): return bytes + Array(state.rawValue.utf8)
    case .removed: return bytes + [UInt8(ascii: "-")]
    }
  }

  /// - Throws: `StoreError.corrupt`.
  init(_ body: [UInt8]) throws(StoreError) {
    let head = SubjectTag.byteCount + 2
    let fixed = head + SubjectTag.byteCount
    guard body.count >= fixed, let tag = SubjectTag(Array(body.prefix(SubjectTag.byteCount))),
      let keeper = RegionOrdinal(Int(body[head - 2]) << 8 | Int(body[head - 1])),
      let newTag = SubjectTag(Array(body[head..<fixed]))
    else { throw .corrupt(what: "a workflow") }
    self.tag = tag
    self.keeper = keeper
    self.newTag = newTag.bytes.allSatisfy { $0 == 0 } ? nil : newTag
    guard body.count > fixed else { return }
    if body[fixed...].elementsEqual([UInt8(ascii: "-")]) {
      step = .removed
      return
    }
    guard let state = SubjectState(rawValue: String(decoding: body[fixed...], as: UTF8.self)) else {
      throw .corrupt(what: "a workflow")
    }
    step = .copying(to: state)
  }
}

extension YieldPlan {
  /// What is to be done, by what the directory says of the tag.
  enum Course: Hashable, Sendable {
    /// The contest goes on.
    case wait
    /// The id stays here: this plan is void.
    case void
    case carryOut
    /// The id went to a region that had not asked for it: policy has not said that the person may be at home there.
    case stranded
  }

  func course(_ set: PlacementSet?, at region: RegionOrdinal) -> Course {
    // What was begun is brought to its end, whatever came after.
    guard case .agreed = step else { return .carryOut }
    switch set {
    case nil, .contested: return .wait
    case .settled(let placement) where placement.home == keeper: return .carryOut
    case .settled(let placement) where placement.home == region: return .void
    // An account that lives on under another id needs nobody's leave but this region's.
    case .settled: return newTag == nil ? .stranded : .carryOut
    }
  }
}

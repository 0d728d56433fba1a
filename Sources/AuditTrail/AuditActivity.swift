/// What was done, or asked for.
package enum AuditActivity: String, Hashable, Sendable, CaseIterable {
  case read, list, write, delete, decide, locate
  case register
  case setConsent = "set_consent"
  case withdrawConsent = "withdraw_consent"
  /// Whether a write took effect was found out, or that it never will was made sure.
  case settle
  /// This region received another region's data: the other side's `read`.
  case importRecord = "import"
  case export
  case replicate, move, erase, restrict
  case resolveContest = "resolve_contest"
  case loadPolicy = "load_policy"
  case configure
  case changeKey = "change_key"
  /// Anything an operator does by hand.
  case operate
  case start, stop
  /// A coordinator says which of the requests that it numbered have no leaf.
  case account

  /// `activity_id` of OCSF's Datastore Activity: 99 is "other", named by `activity_name`.
  package var ocsfID: Int {
    switch self {
    case .read: 1
    case .write: 5
    case .register: 6
    case .delete, .erase: 7
    case .list: 8
    default: 99
    }
  }

  package var ocsfName: String {
    switch ocsfID {
    case 1: "Read"
    case 5: "Write"
    case 6: "Create"
    case 7: "Delete"
    case 8: "List"
    default: rawValue
    }
  }

  /// Whether an allowed event of this kind gave somebody a subject's data.
  package var isDisclosure: Bool {
    switch self {
    case .read, .list, .export, .replicate, .move, .importRecord: true
    default: false
    }
  }
}

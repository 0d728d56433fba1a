import Residency

/// Which of the waiting operations may share a batch. All operations of a batch decide on the same facts, so none may touch a
/// subject that an earlier one of the batch may write.
///
/// Operations on one subject keep their order: what is passed over holds back all that comes after it on the same subject.
struct BatchSelection {
  private var written: Set<SubjectTag> = []
  private var heldBack: Set<SubjectTag> = []
  private var requestKeys: Set<[UInt8]> = []

  /// Whether the operation joins the batch; if not, it waits for a later one.
  mutating func admits(_ needs: FactsNeeded) -> Bool {
    let isRepeat = needs.requestKey.map(requestKeys.contains) ?? false
    let conflicts = needs.subjects.contains { written.contains($0) || heldBack.contains($0) }
    guard !isRepeat, !conflicts else {
      heldBack.formUnion(needs.subjects)
      return false
    }
    if needs.mayWrite { written.formUnion(needs.subjects) }
    if let key = needs.requestKey { requestKeys.insert(key) }
    return true
  }
}

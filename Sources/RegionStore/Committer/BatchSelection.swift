import Directory
import Residency

/// Which of the waiting operations may share a batch. All operations of a batch decide on the same facts, so none may touch a
/// subject or document that an earlier one of the batch may write.
///
/// Operations on one of them keep their order: what is passed over holds back all that comes after it on the same one.
struct BatchSelection {
  private struct Touched {
    var subjects: Set<SubjectTag> = []
    var documents: Set<DocumentID> = []

    mutating func add(_ needs: FactsNeeded) {
      subjects.formUnion(needs.subjects)
      documents.formUnion(needs.documents)
    }

    func meets(_ needs: FactsNeeded) -> Bool {
      needs.subjects.contains(where: subjects.contains) || needs.documents.contains(where: documents.contains)
    }
  }

  private var written = Touched()
  private var heldBack = Touched()
  private var requestKeys: Set<[UInt8]> = []

  /// Whether the operation joins the batch; if not, it waits for a later one.
  mutating func admits(_ needs: FactsNeeded) -> Bool {
    let isRepeat = needs.requestKey.map(requestKeys.contains) ?? false
    guard !isRepeat, !written.meets(needs), !heldBack.meets(needs) else {
      heldBack.add(needs)
      return false
    }
    if needs.mayWrite { written.add(needs) }
    if let key = needs.requestKey { requestKeys.insert(key) }
    return true
  }
}

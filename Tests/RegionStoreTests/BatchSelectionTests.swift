import Directory
import Residency
import Testing

@testable import RegionStore

struct BatchSelectionTests {
  /// Which of `needs` join one batch.
  private func admitted(_ needs: [FactsNeeded]) -> [Bool] {
    var selection = BatchSelection()
    return needs.map { selection.admits($0) }
  }

  @Test func `readers of one subject share a batch`() throws {
    let one = try tag(1)
    #expect(admitted([FactsNeeded(subjects: [one]), FactsNeeded(subjects: [one])]) == [true, true])
  }

  @Test func `nothing joins a batch behind a writer of its subject`() throws {
    let (one, two) = (try tag(1), try tag(2))
    let needs = [
      FactsNeeded(subjects: [one], mayWrite: true), FactsNeeded(subjects: [one]), FactsNeeded(subjects: [one], mayWrite: true),
      FactsNeeded(subjects: [two], mayWrite: true),
    ]
    #expect(admitted(needs) == [true, false, false, true])
  }

  @Test func `a writer joins readers that came before it`() throws {
    let one = try tag(1)
    #expect(admitted([FactsNeeded(subjects: [one]), FactsNeeded(subjects: [one], mayWrite: true)]) == [true, true])
  }

  @Test func `what is passed over holds back what comes after it on the same subject`() throws {
    let (one, two) = (try tag(1), try tag(2))
    // Subject 2 itself is free when the third comes, but an earlier operation on it waits.
    let needs = [FactsNeeded(subjects: [one], mayWrite: true), FactsNeeded(subjects: [one, two]), FactsNeeded(subjects: [two])]
    #expect(admitted(needs) == [true, false, false])
  }

  @Test func `nothing joins a batch behind a writer of its document`() throws {
    let (one, two) = (
      DocumentID(collection: CollectionName("a"), key: "1"), DocumentID(collection: CollectionName("a"), key: "2")
    )
    let needs = [
      FactsNeeded(documents: [one], mayWrite: true), FactsNeeded(documents: [one]), FactsNeeded(documents: [two], mayWrite: true),
      FactsNeeded(documents: [one, two]), FactsNeeded(subjects: [try tag(1)]),
    ]
    #expect(admitted(needs) == [true, false, true, false, true])
  }

  @Test func `a repeat of a request waits for the first`() throws {
    let key: [UInt8] = [1, 2, 3]
    let needs = [FactsNeeded(subjects: [try tag(1)], requestKey: key), FactsNeeded(subjects: [try tag(2)], requestKey: key)]
    #expect(admitted(needs) == [true, false])
  }
}

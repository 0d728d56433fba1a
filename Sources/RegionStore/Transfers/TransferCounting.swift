import Postgres
import Residency

/// Counts people whose data leaves in a batch for the first time in a year.
///
/// A batch decided on the number that it read. Where others have counted since, and a limit of the policies was passed between that
/// number and the true one, it is decided again. The rows that are counted stay locked until the commit, so the number stays true.
struct TransferCounting {
  /// In the order in which rows are locked, the same for everybody.
  private let transfers: [Transfer]
  private let decidedOn: TransferFacts

  private struct Person: Hashable {
    let tag: SubjectTag
    let what: ClassInYear
  }

  /// - Parameter facts: as they were read.
  /// - Returns: `nil` where nobody is to be counted.
  init?(_ transfers: some Sequence<Transfer>, decidedOn facts: TransferFacts) {
    var new: [Person: Transfer] = [:]
    for transfer in transfers where !facts.isCounted(transfer.tag, in: transfer.what) {
      // Policies may change between two calls of one batch: all their limits count.
      let person = Person(tag: transfer.tag, what: transfer.what)
      let limits = transfer.limits.union(new[person]?.limits ?? [])
      new[person] = Transfer(of: transfer.tag, transfer.what, limits: limits)
    }
    guard !new.isEmpty else { return nil }
    self.transfers = new.values.sorted { ($0.tag, $0.what.year, $0.what.dataClass) < ($1.tag, $1.what.year, $1.what.dataClass) }
    decidedOn = facts
  }

  var steps: [PipelineStep] {
    let tags = transfers.map(\.tag.bytes)
    return [
      PipelineStep(
        Self.countStatement,
        [
          .bytesArray(tags), .int32Array(transfers.map { Int32(clamping: $0.what.year) }),
          .textArray(transfers.map(\.what.dataClass.rawValue)),
        ]),
      PipelineStep(
        Self.forgetStatement, [.bytesArray(tags), .int32(Int32(clamping: transfers.map(\.what.year).min() ?? 0) - 1)]),
    ]
  }

  /// - Throws: ``LostRace`` where a decision of the batch could have been another one on the true number.
  func check(_ results: [PostgresResult]) throws {
    guard results.count == 2 else { throw StoreError.corrupt(what: "the count of transfers") }
    var counts: [ClassInYear: Int] = [:]
    for row in results[0].rows {
      counts[ClassInYear(DataClass(try row.text(1)), in: Int(try row.int32(0)))] = Int(try row.int64(2))
    }
    for (what, own) in Dictionary(grouping: transfers, by: \.what) {
      let read = decidedOn.people[what] ?? 0
      // Where others have counted all of them since, no row says how many there are.
      guard let now = counts[what] else { throw LostRace() }
      let isAsDecided = now == read + own.count
      let passed = own.flatMap(\.limits).contains { read + 1 < $0 && $0 <= now }
      guard isAsDecided || !passed else { throw LostRace() }
    }
  }

  private static let countStatement = Statement(
    "count_transfers",
    """
    WITH added AS (
      INSERT INTO transfer (tag, year, class)
      SELECT * FROM unnest($1::bytea[], $2::integer[], $3::text[]) ON CONFLICT DO NOTHING RETURNING year, class
    )
    INSERT INTO transfer_count (year, class, people)
    SELECT year, class, count(*) FROM added GROUP BY year, class ORDER BY year, class
    ON CONFLICT (year, class) DO UPDATE SET people = transfer_count.people + excluded.people
    RETURNING year, class, people
    """)
  /// Who was counted is of use until nobody's clock is in that year any more; how many they were stays.
  private static let forgetStatement = Statement(
    "forget_transfers", "DELETE FROM transfer WHERE tag = ANY ($1::bytea[]) AND year < $2::integer")
}

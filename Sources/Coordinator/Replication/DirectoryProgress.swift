import Directory
import RegionStore
import Residency

/// Waits until this region's copy of the directory has come as far as somebody has seen elsewhere.
struct DirectoryProgress: Sendable {
  enum Reached: Hashable, Sendable {
    case reached
    case behind
    /// What was seen may have stood on a branch of this log that does not count any more: a place in it, no more is known of it.
    case lost(LogID)
  }

  let store: RegionStore
  /// Has every peer asked at once, instead of when it rings.
  let hurry: @Sendable () async -> Void

  /// How long a region waits for what is on its way already.
  private static let patience = Duration.milliseconds(50)
  /// How long for what it has to fetch.
  private static let fetchingMax = Duration.seconds(1)
  private static let pause = Duration.milliseconds(5)

  /// Whether memory already says so.
  func isReached(_ vector: VersionVector) -> Bool { vector.isEmpty || store.directoryCache.shows(vector) }

  /// - Parameter deadline: `nil` for a second.
  func reach(_ vector: VersionVector, deadline: ContinuousClock.Instant?) async throws(StoreError) -> Reached {
    let began = ContinuousClock.now
    let end = min(deadline ?? began + Self.fetchingMax, began + Self.fetchingMax)
    var isFetching = false
    while true {
      if isReached(vector) { return .reached }
      let standing = try await store.directoryStanding()
      if let cut = standing.cuts.first(where: { vector.includes($0.first) }) { return .lost(cut.first.log) }
      if standing.vector.dominates(vector) { return .reached }
      if !isFetching, .now >= began + Self.patience {
        isFetching = true
        await hurry()
      }
      guard .now + Self.pause < end else { return .behind }
      do { try await Task.sleep(for: Self.pause) } catch { throw .canceled }
    }
  }
}

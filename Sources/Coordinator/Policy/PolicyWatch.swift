import Dispatch
import Logging
package import PolicyEngine
import ServiceLifecycle

/// Where a coordinator's policies come from.
package struct PolicySource: Sendable {
  /// For people: `policies/`, `bundle.json`.
  package let name: String
  /// Changes whenever what ``load()`` would read changes; `nil` where it cannot be read. Blocks.
  package let fingerprint: @Sendable () -> String?
  /// Reads, checks and compiles. Blocks.
  package let load: @Sendable () throws -> PolicySet
  /// What is asked of policies that are to take the place of others, beyond that they load. Blocks.
  package let checkChange: @Sendable (_ old: PolicySet, _ new: PolicySet) throws -> Void
  /// How long the last good policies decide about other regions while the source cannot be read, or holds something that is wrong.
  package let ageMax: Duration

  package init(
    name: String, ageMax: Duration, fingerprint: @escaping @Sendable () -> String?,
    load: @escaping @Sendable () throws -> PolicySet,
    checkChange: @escaping @Sendable (_ old: PolicySet, _ new: PolicySet) throws -> Void = { _, _ in }
  ) {
    self.name = name
    self.ageMax = ageMax
    self.fingerprint = fingerprint
    self.load = load
    self.checkChange = checkChange
  }
}

/// What is known of the source, and what is to be done about it.
///
/// ```
/// confirmed -> (it changed, and what is there is wrong, or it cannot be read) failing -> (for too long) outdated
///     ^------------------- (it can be read, and is as it was or good) <------------------------|
/// ```
/// What changes is loaded once two looks in a row have seen it: files that are being copied are not read half.
struct PolicyFreshness: Sendable {
  enum Step: Equatable, Sendable {
    case nothing
    /// What is there is new.
    case load
    /// It cannot be read: said once.
    case complain
    case outdated
  }

  private var known: String?
  /// What the last look saw.
  private var seen: String?
  /// What was refused, and when: it is not read again until it changes, or a while later, since what was wrong may have passed.
  private var refused: (fingerprint: String?, at: ContinuousClock.Instant)?
  private var confirmedAt: ContinuousClock.Instant
  private var hasComplained = false
  private let ageMax: Duration
  private static let retryPause = Duration.seconds(60)

  init(known: String?, at now: ContinuousClock.Instant, ageMax: Duration) {
    self.known = known
    confirmedAt = now
    self.ageMax = ageMax
  }

  mutating func look(_ fingerprint: String?, at now: ContinuousClock.Instant) -> Step {
    let isSettled = fingerprint == seen
    seen = fingerprint
    if let fingerprint, fingerprint == known {
      confirm(at: now)
      return .nothing
    }
    let isRefused = refused.map { $0.fingerprint == fingerprint && now - $0.at < Self.retryPause } ?? false
    if fingerprint != nil, isSettled, !isRefused { return .load }
    if isTooOld(at: now) { return .outdated }
    guard fingerprint == nil, !hasComplained else { return .nothing }
    hasComplained = true
    return .complain
  }

  mutating func loaded(_ fingerprint: String?, at now: ContinuousClock.Instant) {
    known = fingerprint
    confirm(at: now)
  }

  mutating func refused(_ fingerprint: String?, at now: ContinuousClock.Instant) { refused = (fingerprint, now) }

  /// Whether nobody has known for too long that these are the policies.
  func isTooOld(at now: ContinuousClock.Instant) -> Bool { now - confirmedAt >= ageMax }

  /// Whether nothing is wrong.
  var isConfirmed: Bool { refused == nil && !hasComplained }

  private mutating func confirm(at now: ContinuousClock.Instant) {
    refused = nil
    hasComplained = false
    confirmedAt = now
  }
}

/// Takes up changed policies while a coordinator serves. Where the new ones are wrong, the last good ones go on, for a time.
struct PolicyWatch: Service {
  let source: PolicySource
  let holder: PolicyHolder
  let logger: Logger
  /// Records that policies are taken up. Where it throws they are not, and it is tried again.
  let recordChange: @Sendable (PolicySet) async throws -> Void
  private static let interval = Duration.seconds(2)

  func run() async throws {
    await cancelWhenGracefulShutdown {
      // What was read at the start may have changed since: the first look reads it again.
      var freshness = PolicyFreshness(known: nil, at: .now, ageMax: source.ageMax)
      while !Task.isCancelled {
        do { try await Task.sleep(for: Self.interval) } catch { return }
        await look(&freshness)
      }
    }
  }

  private func look(_ freshness: inout PolicyFreshness) async {
    let fingerprint = await blocking(source.fingerprint)
    switch freshness.look(fingerprint, at: .now) {
    case .nothing: if freshness.isConfirmed { holder.mark(outdated: false) }
    case .load:
      await load(fingerprint, &freshness)
      if freshness.isTooOld(at: .now) { closeBorder() }
    case .complain:
      logger.error("the policies cannot be read; the last good ones go on", metadata: ["source": "\(source.name)"])
    case .outdated: closeBorder()
    }
  }

  private func closeBorder() {
    if !holder.inForce.isOutdated {
      logger.critical(
        "the policies have not been confirmed for too long: nothing leaves this region", metadata: ["source": "\(source.name)"])
    }
    holder.mark(outdated: true)
  }

  private func load(_ fingerprint: String?, _ freshness: inout PolicyFreshness) async {
    let (source, current) = (source, holder.current)
    let loaded = await blocking {
      Result {
        let policies = try source.load()
        if policies.revision != current.revision { try source.checkChange(current, policies) }
        return policies
      }
    }
    switch loaded {
    case .success(let policies):
      guard await record(policies) else { return }
      freshness.loaded(fingerprint, at: .now)
      holder.replace(with: policies)
    case .failure(let error):
      freshness.refused(fingerprint, at: .now)
      logger.error(
        "the changed policies are refused; the last good ones go on",
        metadata: ["source": "\(source.name)", "revision": "\(current.revision)", "error": "\(error)"])
    }
  }

  /// - Returns: whether they may be taken up.
  private func record(_ policies: PolicySet) async -> Bool {
    guard policies.revision != holder.current.revision else { return true }
    let about: Logger.Metadata = ["revision": "\(policies.revision)", "source": "\(source.name)"]
    do {
      try await recordChange(policies)
      logger.notice("policies are taken up", metadata: about)
      return true
    } catch {
      logger.error(
        "the change of policies cannot be recorded, so it waits; the last ones go on",
        metadata: about.merging(["error": "\(error)"]) { old, _ in old })
      return false
    }
  }

  private func blocking<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
      DispatchQueue.global().async { continuation.resume(returning: body()) }
    }
  }
}

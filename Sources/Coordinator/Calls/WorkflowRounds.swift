import Logging
import RegionStore
import ServiceLifecycle

/// Goes on with the workflows of one kind whose time has come, round after round, until the coordinator stops. The next round begins when all
/// of one have gone on as far as they can.
struct WorkflowRounds: Sendable {
  let kind: Workflow.Kind
  let store: RegionStore
  let logger: Logger
  private let pause: Duration
  private let limit: Int
  private let atOnce: Int
  private let bell = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

  static let lease = Duration.seconds(30)
  /// For what an operator has to see to.
  static let restedFor = Duration.seconds(30)

  /// - Parameters:
  ///   - pause: between two rounds, unless ``ring()`` begins the next one.
  ///   - limit: of workflows in a round.
  ///   - atOnce: how many of them go on at the same time: one, unless they have nothing to do with each other, and wait for others than
  ///     this region's databases.
  init(
    _ kind: Workflow.Kind, in store: RegionStore, pause: Duration = .seconds(1), limit: Int = 16, atOnce: Int = 1, logger: Logger
  ) {
    self.kind = kind
    self.store = store
    self.pause = pause
    self.limit = limit
    self.atOnce = atOnce
    self.logger = logger
  }

  /// A workflow was begun just now: the next round does not wait for its time.
  func ring() { bell.continuation.yield() }

  func run(_ goOn: @escaping @Sendable (DueWorkflow) async throws -> Void) async {
    await cancelWhenGracefulShutdown {
      await withTaskGroup(of: Void.self) { group in
        group.addTask {
          repeat { ring() } while await rests()
        }
        for await _ in bell.stream {
          if Task.isCancelled { break }
          // More may be waiting.
          if await round(goOn) == limit { ring() }
        }
        group.cancelAll()
      }
    }
  }

  /// - Returns: whether the next round is due; `false` where there is none.
  private func rests() async -> Bool {
    do { try await Task.sleep(for: pause) } catch { return false }
    return true
  }

  /// - Returns: how many there were.
  private func round(_ goOn: @escaping @Sendable (DueWorkflow) async throws -> Void) async -> Int {
    do {
      let due = try await store.dueWorkflows(kind, lease: Self.lease, limit: limit)
      await withTaskGroup(of: Void.self) { group in
        for (number, due) in due.enumerated() {
          if number >= atOnce { await group.next() }
          group.addTask { await tend(due, goOn) }
        }
      }
      return due.count
    } catch {
      logger.warning("workflows were not looked after", metadata: ["kind": "\(kind.rawValue)", "error": "\(error)"])
      return 0
    }
  }

  private func tend(_ due: DueWorkflow, _ goOn: @Sendable (DueWorkflow) async throws -> Void) async {
    do { try await goOn(due) } catch {
      logger.warning("a workflow did not go on", metadata: ["kind": "\(kind.rawValue)", "error": "\(error)"])
      // Where this fails too, its lease ends by itself.
      try? await store.postpone(due.workflow.id, by: Self.restedFor)
    }
  }
}

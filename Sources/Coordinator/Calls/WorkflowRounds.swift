import Logging
import RegionStore
import ServiceLifecycle

/// Goes on with the workflows of one kind whose time has come, round after round, until the coordinator stops. Those of a round go on at the
/// same time, so that one that waits keeps no other waiting.
struct WorkflowRounds: Sendable {
  let kind: Workflow.Kind
  let store: RegionStore
  let logger: Logger
  let pause: Duration
  let limit: Int
  private let bell = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

  static let lease = Duration.seconds(30)
  /// For what an operator has to see to.
  static let restedFor = Duration.seconds(30)

  /// - Parameters:
  ///   - pause: between two rounds, unless ``ring()`` begins the next one.
  ///   - limit: of workflows in a round.
  init(_ kind: Workflow.Kind, in store: RegionStore, pause: Duration = .seconds(1), limit: Int = 16, logger: Logger) {
    self.kind = kind
    self.store = store
    self.pause = pause
    self.limit = limit
    self.logger = logger
  }

  /// A workflow was begun just now: it is tried at once.
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
      await withDiscardingTaskGroup { group in
        for due in due { group.addTask { await tend(due, goOn) } }
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

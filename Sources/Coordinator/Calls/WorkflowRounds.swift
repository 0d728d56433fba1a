import Logging
import RegionStore
import ServiceLifecycle

/// Goes on with the workflows of one kind whose time has come, round after round, until the coordinator stops. One that does not go on keeps
/// none of the others waiting.
struct WorkflowRounds: Sendable {
  let kind: Workflow.Kind
  let store: RegionStore
  let logger: Logger

  private static let pause = Duration.seconds(1)
  private static let limit = 16
  static let lease = Duration.seconds(30)
  /// For what an operator has to see to.
  static let restedFor = Duration.seconds(30)

  func run(_ goOn: @escaping @Sendable (DueWorkflow) async throws -> Void) async {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        var count = 0
        do {
          let due = try await store.dueWorkflows(kind, lease: Self.lease, limit: Self.limit)
          count = due.count
          for due in due { await tend(due, goOn) }
        } catch {
          logger.warning("workflows were not looked after", metadata: ["kind": "\(kind.rawValue)", "error": "\(error)"])
        }
        // More may be waiting.
        guard count < Self.limit else { continue }
        do { try await Task.sleep(for: Self.pause) } catch { return }
      }
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

import CLibPQ
import Dispatch
import Glibc
import Synchronization

/// A thread that runs one connection's work, so that libpq may block without holding up Swift's cooperative pool.
final class ConnectionThread: SerialExecutor {
  private struct Queue {
    var jobs: [UnownedJob] = []
    var isEnding = false
  }

  /// At most 15 bytes, as Linux has it.
  static let name = "postgres"

  private let queue = Mutex(Queue())
  private let arrivals = DispatchSemaphore(value: 0)

  /// - Throws: `.connection` where the system grants no further thread.
  init() throws(PostgresError) {
    var thread = pthread_t()
    let owned = Unmanaged.passRetained(self)
    let failure = pthread_create(
      &thread, nil,
      { context in
        guard let context else { return nil }
        domicile_name_thread(ConnectionThread.name)
        Unmanaged<ConnectionThread>.fromOpaque(context).takeRetainedValue().run()
        return nil
      }, owned.toOpaque())
    guard failure == 0 else {
      owned.release()
      throw PostgresError(.connection, "the system grants no further thread (error \(failure))")
    }
    pthread_detach(thread)
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.withLock { $0.jobs.append(job) }
    arrivals.signal()
  }

  /// Ends the thread once the work at hand is done. Nothing may be enqueued afterwards.
  func end() {
    queue.withLock { $0.isEnding = true }
    arrivals.signal()
  }

  private func run() {
    while true {
      arrivals.wait()
      var taken = Queue()
      queue.withLock { queue in
        taken.isEnding = queue.isEnding
        swap(&taken.jobs, &queue.jobs)
      }
      for job in taken.jobs { job.runSynchronously(on: asUnownedSerialExecutor()) }
      if taken.isEnding && taken.jobs.isEmpty { return }
    }
  }
}

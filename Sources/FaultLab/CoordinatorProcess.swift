import Foundation
package import Residency
import Synchronization

/// One coordinator in a process of its own: `domicile serve`, as it is deployed. It ends with this process, however this one ends.
package actor CoordinatorProcess {
  /// What it is started with, each time.
  package struct Launch: Sendable {
    /// The `domicile` program.
    package let program: String
    /// Everything behind `serve`.
    package let arguments: [String]
    /// Added to this process's own environment: where its databases are.
    package let environment: [String: String]
    /// Where apps reach it.
    package let url: String
    /// A PEM file: who signed its certificate.
    package let authority: String
    /// Its standard error is appended to this file.
    package let log: String

    package init(
      program: String, arguments: [String], environment: [String: String], url: String, authority: String, log: String
    ) {
      self.program = program
      self.arguments = arguments
      self.environment = environment
      self.url = url
      self.authority = authority
      self.log = log
    }
  }

  package enum Failure: Error, CustomStringConvertible {
    case ended(String, log: String, lastWords: String)
    case silent(String, log: String, lastWords: String)

    package var description: String {
      switch self {
      case .ended(let name, let log, let lastWords):
        "the coordinator of \(name) ended while it started; the end of \(log):\n\(lastWords)"
      case .silent(let name, let log, let lastWords):
        "the coordinator of \(name) is not ready after 60 seconds; the end of \(log):\n\(lastWords)"
      }
    }
  }

  /// For people: which coordinator this is.
  package nonisolated let name: String
  package nonisolated let launch: Launch
  private var running: Running?
  /// Wakes it at this process's end: one that stands still does not see that it is to end.
  private var waker: Guardian?

  private struct Running {
    let process: Process
    /// Its standard input: it ends when this closes, and so with this process.
    let leash: Pipe
    let orders: Orders
  }

  /// What it was told.
  private final class Orders: Sendable {
    let isToEnd = Atomic(false)
  }

  package init(name: String, _ launch: Launch) {
    self.name = name
    self.launch = launch
  }

  package var processID: Int32? { running?.process.processIdentifier }
  package var isRunning: Bool { running?.process.isRunning ?? false }

  /// As in the container image. And one that crashes says where.
  private static let commonEnvironment = [
    "MALLOC_ARENA_MAX": "4", "SWIFT_BACKTRACE": "enable=yes,color=no,interactive=no,threads=crashed,images=none,limit=40",
  ]

  /// Starts it, where it does not run. It is not ready yet.
  package func start() throws {
    guard !isRunning else { return }
    let process = Process()
    process.executableURL = URL(filePath: launch.program)
    process.arguments = ["serve"] + launch.arguments + ["--while-stdin-open"]
    process.environment = ProcessInfo.processInfo.environment.merging(
      Self.commonEnvironment.merging(launch.environment) { _, given in given }
    ) { _, given in given }
    let leash = Pipe()
    process.standardInput = leash
    if !FileManager.default.fileExists(atPath: launch.log) { try Data().write(to: URL(filePath: launch.log)) }
    let log = FileHandle(forWritingAtPath: launch.log)
    log?.seekToEndOfFile()
    process.standardOutput = FileHandle.nullDevice
    process.standardError = log
    let orders = Orders()
    let (name, path) = (name, launch.log)
    process.terminationHandler = { process in
      guard !orders.isToEnd.load(ordering: .relaxed) else { return }
      let how = process.terminationReason == .uncaughtSignal ? "signal" : "status"
      let words = """
        The coordinator of \(name) ended by itself, with \(how) \(process.terminationStatus). The end of its log:
        \(Self.lastLines(120, of: path))

        """
      FileHandle.standardError.write(Data(words.utf8))
    }
    try process.run()
    running = Running(process: process, leash: leash, orders: orders)
  }

  /// Returns when it serves.
  package func waitUntilReady() async throws {
    for _ in 0..<600 {
      guard isRunning else { throw Failure.ended(name, log: launch.log, lastWords: lastWords) }
      let probe = try await Shell.run(
        "curl -sf -o /dev/null --max-time 2 --cacert \(launch.authority) \(launch.url)/readyz")
      if probe.status == 0 { return }
      try await Task.sleep(for: .milliseconds(100))
    }
    throw Failure.silent(name, log: launch.log, lastWords: lastWords)
  }

  /// The end of its log, which may be gone with its folder when somebody wants to look at it.
  private var lastWords: String { Self.lastLines(10, of: launch.log) }

  private static func lastLines(_ count: Int, of log: String) -> String {
    let text = FileManager.default.contents(atPath: log).map { String(decoding: $0.suffix(32_768), as: UTF8.self) } ?? ""
    return text.split(separator: "\n").suffix(count).joined(separator: "\n")
  }

  /// Ends it as a failing machine would.
  package func kill() async {
    guard let running else { return }
    running.orders.isToEnd.store(true, ordering: .relaxed)
    Glibc.kill(running.process.processIdentifier, SIGKILL)
    await Self.end(of: running.process)
  }

  /// It stands still, as on a machine that is frozen.
  package func pause() throws {
    guard let running, waker == nil else { return }
    let id = running.process.processIdentifier
    waker = try Guardian(
      script: """
        trap '' INT TERM HUP QUIT
        read -r _
        kill -s CONT "$1"
        """, [String(id)])
    Glibc.kill(id, SIGSTOP)
  }

  /// It goes on, and believes that no time has passed.
  package func resume() async {
    await waker?.finish()
    waker = nil
  }

  /// SIGTERM. It finishes what is in flight: ``waitForEnd()``.
  package func terminate() {
    guard let running, running.process.isRunning else { return }
    running.orders.isToEnd.store(true, ordering: .relaxed)
    running.process.terminate()
  }

  /// - Parameter limit: when one that does not end is killed.
  package func waitForEnd(limit: Duration = .seconds(60)) async {
    guard let process = running?.process else { return }
    let id = process.processIdentifier
    let killer = Task {
      try await Task.sleep(for: limit)
      Glibc.kill(id, SIGKILL)
    }
    await Self.end(of: process)
    killer.cancel()
  }

  private static func end(of process: Process) async {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        process.waitUntilExit()
        continuation.resume()
      }
    }
  }
}

extension CoordinatorProcess.Launch {
  /// The variables that the region's file names, as `regions/` has them: `DOMICILE_EU_WEST_DSN`, `DOMICILE_EU_WEST_KEYS_DSN`.
  package static func databases(of region: RegionID, dsn: String, keysDSN: String) -> [String: String] {
    let variable = "DOMICILE_\(region.rawValue.uppercased().replacing("-", with: "_"))"
    return ["\(variable)_DSN": dsn, "\(variable)_KEYS_DSN": keysDSN]
  }
}

import CLinux
import FoundationEssentials
import Glibc

/// Starts other programs. They get the standard streams they are given, no other open file, and a small environment.
package enum ChildProcess {
  package struct Output: Sendable {
    /// The exit code, or 128 and the signal's number.
    package let status: Int32
    /// Standard output and error together; of more than ``textBytesMax``, only the end.
    package let text: String
  }

  /// Runs a program to its end, on a thread of its own.
  ///
  /// - Parameters:
  ///   - command: The program's path and its arguments.
  ///   - folder: Its working directory.
  ///   - limit: How long it may take. It is then killed.
  /// - Throws: Where it cannot be started, or has not ended in time.
  package static func run(
    _ command: [String], in folder: String, limit: Duration = .seconds(300)
  ) async throws(PrivatePostgresError) -> Output {
    try await onOwnThread { () throws(PrivatePostgresError) -> Output in
      let output = try Channel()
      defer { close(output.readEnd) }
      let child = Result { () throws(PrivatePostgresError) in
        try start(command, in: folder, input: nil, output: output.writeEnd)
      }
      close(output.writeEnd)
      let (ended, isKilled) = follow(try child.get(), output: output.readEnd, until: .now + limit)
      guard !isKilled else {
        throw PrivatePostgresError(
          "\(command.joined(separator: " ")) had not ended after \(limit), and was killed",
          because: ended.text.isEmpty ? "it said nothing" : ended.text.lastLines(3),
          remedy: "Try again on a machine with less to do.")
      }
      return ended
    }
    .get()
  }

  /// Blocks until the program has ended, and no longer, even where one that it started goes on and holds the pipe open.
  ///
  /// - Parameters:
  ///   - child: Nobody else may wait for it.
  ///   - output: The pipe that it writes to, of which this process has only this end.
  ///   - deadline: When it is killed.
  static func follow(_ child: pid_t, output: Int32, until deadline: ContinuousClock.Instant) -> (output: Output, isKilled: Bool) {
    var text: [UInt8] = []
    var isOpen = true
    var isKilled = false
    while true {
      if let status = endStatus(of: child) {
        // What it wrote is in the pipe by now, or read. What others write there does not count.
        for _ in 0..<(pipeCapacity / readBytesMax) where isOpen && isReadable(output, within: 0) {
          isOpen = append(from: output, to: &text)
        }
        return (Output(status: status, text: String(decoding: text, as: UTF8.self)), isKilled)
      }
      if isOpen { isOpen = !isReadable(output, within: 20) || append(from: output, to: &text) } else { usleep(1_000) }
      if !isKilled, .now >= deadline {
        kill(child, SIGKILL)
        isKilled = true
      }
    }
  }

  /// - Parameters:
  ///   - input: Standard input; nothing to read where `nil`.
  ///   - output: Standard output and error; thrown away where `nil`.
  ///   - environment: `NAME=value`; by default a small one.
  /// - Returns: The new process's id, to be waited for once.
  static func start(
    _ command: [String], in folder: String, input: Int32?, output: Int32?, environment: [String] = smallEnvironment
  ) throws(PrivatePostgresError) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    place(input, at: STDIN_FILENO, mode: O_RDONLY, &actions)
    place(output, at: STDOUT_FILENO, mode: O_WRONLY, &actions)
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
    for file in openFiles where file > STDERR_FILENO { posix_spawn_file_actions_addclose(&actions, file) }

    // Threads of a pool block most signals, and a child inherits that: one that sets itself an alarm would never hear it.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var noSignals = sigset_t()
    sigemptyset(&noSignals)
    posix_spawnattr_setsigmask(&attributes, &noSignals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))

    let program = "/usr/bin/env"
    let arguments = ([program, "-C", folder] + command).map { strdup($0) } + [nil]
    let environment = environment.map { strdup($0) } + [nil]
    defer { for text in arguments + environment { free(text) } }
    var child = pid_t()
    let failure = posix_spawn(&child, program, &actions, &attributes, arguments, environment)
    guard failure == 0 else {
      throw PrivatePostgresError(
        "\(command[0]) could not be started", because: "\(program): \(SystemError.text(failure))",
        remedy: "Install coreutils, or raise the limit of processes (ulimit -u).")
    }
    return child
  }

  /// Blocks. The id must be of a child that nobody else waits for.
  static func wait(for child: pid_t) -> Int32 {
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 && errno == EINTR {}
    return exitCode(status)
  }

  /// Runs what blocks away from Swift's cooperative pool.
  static func onOwnThread<Value: Sendable, Failure: Error>(
    _ body: @escaping @Sendable () throws(Failure) -> Value
  ) async -> Result<Value, Failure> {
    await withCheckedContinuation { continuation in
      let work = Work {
        do throws(Failure) { continuation.resume(returning: .success(try body())) } catch {
          continuation.resume(returning: .failure(error))
        }
      }
      work.startThread()
    }
  }

  /// This process's own.
  static var ownEnvironment: [String] { ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" } }

  /// Without the `PG…` variables of whoever started this process, which would change what PostgreSQL's programs do.
  static var smallEnvironment: [String] {
    ["PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C", "HOME=/"]
  }

  /// By number. A file that was closed since does no harm.
  private static var openFiles: [Int32] {
    guard let folder = opendir("/proc/self/fd") else { return [] }
    defer { closedir(folder) }
    var files: [Int32] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if let file = Int32(name) { files.append(file) }
    }
    return files
  }

  private static func place(_ file: Int32?, at target: Int32, mode: Int32, _ actions: inout posix_spawn_file_actions_t) {
    if let file {
      posix_spawn_file_actions_adddup2(&actions, file, target)
    } else {
      posix_spawn_file_actions_addopen(&actions, target, "/dev/null", mode, 0)
    }
  }

  /// Of what a program says, so much is kept at least; twice as much at most.
  private static let textBytesMax = 1 << 20

  private static let readBytesMax = 4096

  /// Linux's, in bytes, unless somebody changes it.
  private static let pipeCapacity = 65_536

  /// `nil` while it runs. The id is spent once a status was returned.
  private static func endStatus(of child: pid_t) -> Int32? {
    var status: Int32 = 0
    let ended = waitpid(child, &status, WNOHANG)
    // Where somebody else has waited for it, nobody knows how it ended: not well, then.
    guard ended >= 0 || errno == EINTR else { return 255 }
    return ended == child ? exitCode(status) : nil
  }

  private static func exitCode(_ status: Int32) -> Int32 {
    let signal = status & 0x7f
    return signal == 0 ? (status >> 8) & 0xff : 128 + signal
  }

  private static func isReadable(_ file: Int32, within milliseconds: Int32) -> Bool {
    var descriptor = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
    return poll(&descriptor, 1, milliseconds) > 0
  }

  /// - Returns: whether more may come.
  private static func append(from file: Int32, to text: inout [UInt8]) -> Bool {
    var buffer = [UInt8](repeating: 0, count: readBytesMax)
    let count = read(file, &buffer, buffer.count)
    if count > 0 { text.append(contentsOf: buffer[..<count]) }
    if text.count > 2 * textBytesMax { text.removeFirst(text.count - textBytesMax) }
    return count > 0 || (count < 0 && errno == EINTR)
  }

  private final class Work: Sendable {
    private let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }

    /// On the caller's thread, should the system grant no other.
    func startThread() {
      var thread = pthread_t()
      let owned = Unmanaged.passRetained(self)
      let failure = pthread_create(
        &thread, nil,
        { context in
          guard let context else { return nil }
          Unmanaged<Work>.fromOpaque(context).takeRetainedValue().body()
          return nil
        }, owned.toOpaque())
      if failure == 0 {
        pthread_detach(thread)
      } else {
        owned.release()
        body()
      }
    }
  }
}

/// A pipe whose ends no other program inherits, not even one that another thread starts while this is made.
struct Channel {
  let readEnd: Int32
  let writeEnd: Int32

  init() throws(PrivatePostgresError) {
    var ends: [Int32] = [-1, -1]
    guard pipe2(&ends, O_CLOEXEC) == 0 else {
      throw PrivatePostgresError(
        "a pipe could not be opened", because: SystemError.text(errno), remedy: "Raise the limit of open files (ulimit -n).")
    }
    (readEnd, writeEnd) = (ends[0], ends[1])
  }
}

enum SystemError {
  /// The system's words for an `errno`.
  static func text(_ code: Int32) -> String { String(cString: strerror(code)) }
}

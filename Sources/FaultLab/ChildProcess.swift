import FoundationEssentials
import Glibc

/// Starts other programs. They get the standard streams they are given, no other open file, and a small environment.
enum ChildProcess {
  struct Output: Sendable {
    /// The exit code, or 128 and the signal's number.
    let status: Int32
    /// Standard output and error together.
    let text: String
  }

  /// Runs a program to its end, on a thread of its own.
  ///
  /// - Parameters:
  ///   - command: The program's path and its arguments.
  ///   - folder: Its working directory.
  /// - Throws: Where it cannot be started.
  static func run(_ command: [String], in folder: String) async throws(PrivatePostgresError) -> Output {
    try await onOwnThread { () throws(PrivatePostgresError) -> Output in
      let output = try Channel()
      let child = try start(command, in: folder, input: nil, output: output.writeEnd)
      close(output.writeEnd)
      let text = readAll(output.readEnd)
      close(output.readEnd)
      return Output(status: wait(for: child), text: text)
    }
    .get()
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
    let signal = status & 0x7f
    return signal == 0 ? (status >> 8) & 0xff : 128 + signal
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

  /// Blocks until every writer has closed it.
  static func readAll(_ file: Int32) -> String {
    var text: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(file, &buffer, buffer.count)
      if count > 0 { text.append(contentsOf: buffer[..<count]) } else if count == 0 || errno != EINTR { break }
    }
    return String(decoding: text, as: UTF8.self)
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

/// A pipe whose ends no other program inherits by accident.
struct Channel {
  let readEnd: Int32
  let writeEnd: Int32

  init() throws(PrivatePostgresError) {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else {
      throw PrivatePostgresError(
        "a pipe could not be opened", because: SystemError.text(errno), remedy: "Raise the limit of open files (ulimit -n).")
    }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    (readEnd, writeEnd) = (ends[0], ends[1])
  }
}

enum SystemError {
  /// The system's words for an `errno`.
  static func text(_ code: Int32) -> String { String(cString: strerror(code)) }
}

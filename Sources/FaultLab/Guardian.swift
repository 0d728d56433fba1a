import Glibc
import Synchronization

/// Ends a private cluster when this process ends, however it ends: by returning, by a crash, by SIGKILL.
///
/// A small shell process holds the reading end of a pipe whose writing end is open in this process alone. The end of this
/// process closes it, and the shell then does its work. An orderly exit waits for that.
package final class Guardian: Sendable {
  private let shell: Shell

  private struct Shell: Sendable {
    let process: pid_t
    let lifeline: Int32
  }

  private static let living = Mutex<[pid_t: Shell]>([:])
  private static let waitsAtExit: Bool = atexit { Guardian.endAll() } == 0

  /// - Parameters:
  ///   - folder: A private cluster's, made already or about to be.
  ///   - removesFolder: Whether the folder goes with it: for tests. The server is then ended at once, otherwise in an orderly way.
  ///   - removesEmptyParent: Whether the folder around it goes as well, once nothing is in it any more.
  package convenience init(
    of folder: String, removesFolder: Bool, removesEmptyParent: Bool = false
  ) throws(PrivatePostgresError) {
    let layout = ClusterFolder(folder, account: try ServerAccount.current())
    guard layout.path.split(separator: "/").count > 1 else {
      throw PrivatePostgresError(
        "no guardian watches \(layout.path)", because: "it is no folder of a cluster's own", remedy: "Choose a folder inside it.")
    }
    let folders = removesFolder ? [layout.path, layout.socket] : []
    let signal = removesFolder ? "QUIT" : "INT"
    let parent = removesEmptyParent ? "\(layout.path)/.." : ""
    try self.init(script: Self.script, [layout.data, signal, parent] + folders)
  }

  /// - Parameters:
  ///   - script: Of `/bin/sh`; its first `read` returns when this process ends.
  ///   - arguments: `$1` and so on.
  package init(script: String, _ arguments: [String]) throws(PrivatePostgresError) {
    let channel = try Channel()
    defer { close(channel.readEnd) }
    let command = ["/bin/sh", "-c", script, "guardian"] + arguments
    do throws(PrivatePostgresError) {
      let process = try ChildProcess.start(command, in: "/", input: channel.readEnd, output: nil)
      shell = Shell(process: process, lifeline: channel.writeEnd)
    } catch {
      close(channel.writeEnd)
      throw error
    }
    let shell = shell
    Self.living.withLock { $0[shell.process] = shell }
    _ = Self.waitsAtExit
  }

  /// Does now what would be done at this process's end, and returns when it is done.
  package func finish() async {
    guard let shell = Self.living.withLock({ $0.removeValue(forKey: shell.process) }) else { return }
    _ = await ChildProcess.onOwnThread { () throws(Never) in Self.end(shell) }
  }

  private static func endAll() {
    let shells = living.withLock { living in
      defer { living = [:] }
      return living.values.map { $0 }
    }
    for shell in shells { close(shell.lifeline) }
    for shell in shells { _ = ChildProcess.wait(for: shell.process) }
  }

  private static func end(_ shell: Shell) {
    close(shell.lifeline)
    _ = ChildProcess.wait(for: shell.process)
  }

  /// `$1` is the data folder, `$2` the signal, `$3` a folder to be removed where empty, the rest is removed. A process belongs to the cluster if it works in its folder:
  /// a process id alone may by now be another program's. The seventh line of `postmaster.pid` names a shared memory segment,
  /// which a killed server leaves behind. SIGCONT wakes a paused cluster, which could not end otherwise.
  private static let script = """
    trap '' INT TERM HUP QUIT
    read -r _
    data=$(readlink -f "$1")
    signal=$2
    parent=${3:+$(readlink -f "$3")}
    shift 3
    pid=$(sed -n 1p "$data/postmaster.pid" 2>/dev/null)
    memory=$(sed -n '7s/.* //p' "$data/postmaster.pid" 2>/dev/null)
    if [ -n "$pid" ] && [ "$(readlink "/proc/$pid/cwd")" = "$data" ]; then
      kill -s "$signal" "$pid"
      for link in /proc/[0-9]*/cwd; do
        [ "$(readlink "$link")" != "$data" ] || { process=${link#/proc/}; kill -s CONT "${process%/cwd}"; }
      done
      tries=0
      while [ -n "$(readlink "/proc/$pid/cwd")" ]; do
        sleep 0.02
        tries=$((tries + 1))
        [ "$tries" -ne 1000 ] || kill -s KILL "$pid"
      done
    fi
    [ "$#" -gt 0 ] || exit 0
    folder=$(readlink -f "$1")
    for link in /proc/[0-9]*/cwd; do
      case $(readlink "$link") in
        "${folder:-$1}" | "${folder:-$1}"/*)
          process=${link#/proc/}
          kill -s KILL "${process%/cwd}"
          ;;
      esac
    done
    [ -z "$memory" ] || ipcrm -m "$memory"
    rm -rf -- "$@"
    [ -z "$parent" ] || rmdir "$parent"
    """
}

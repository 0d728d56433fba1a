import FoundationEssentials
import Glibc

/// How much processor time processes have used: it says what a call costs, however busy the machine is with other things.
enum ProcessorTime {
  /// In microseconds, of all the process's threads, in user and kernel mode: fields 14 and 15 of `/proc/PID/stat`.
  static func microseconds(of process: Int32) -> Double {
    guard let data = FileManager.default.contents(atPath: "/proc/\(process)/stat") else { return 0 }
    let text = String(decoding: data, as: UTF8.self)
    guard let nameEnd = text.lastIndex(of: ")") else { return 0 }
    let fields = text[text.index(after: nameEnd)...].split(separator: " ")
    guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return 0 }
    return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK))) * 1e6
  }

  /// Of a database server with all its sessions that are there now.
  static func microseconds(of cluster: PrivatePostgres) -> Double {
    (Postmaster.running(in: cluster.dataFolder)?.family ?? []).map { microseconds(of: $0) }.reduce(0, +)
  }
}

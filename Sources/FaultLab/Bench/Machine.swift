import FoundationEssentials
import Glibc

/// What a benchmark ran on.
enum Machine {
  /// Processors, memory and kernel, in one line. No names.
  static var description: String {
    let processors = sysconf(Int32(_SC_NPROCESSORS_ONLN))
    let gigabytes = bytes / 1e9
    let cpu = value(of: "model name", in: "/proc/cpuinfo") ?? "unknown processor"
    return "\(processors) × \(cpu), \(Int(gigabytes.rounded())) GB, Linux"
  }

  private static var bytes: Double { Double(sysconf(Int32(_SC_PHYS_PAGES))) * Double(sysconf(Int32(_SC_PAGESIZE))) }

  private static func value(of key: String, in path: String) -> String? {
    guard let handle = fopen(path, "r") else { return nil }
    defer { fclose(handle) }
    var line = [CChar](repeating: 0, count: 4_096)
    while fgets(&line, Int32(line.count), handle) != nil {
      let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      if text.hasPrefix(key) { return text.split(separator: ":").dropFirst().first.map { String($0).trimmed } }
    }
    return nil
  }
}

import FoundationEssentials

/// What a process has in memory now.
enum ProcessMemory {
  /// In MB (10⁶ bytes) of resident memory: `VmRSS` of `/proc/PID/status`. `nil` where the process is gone.
  static func residentMegabytes(of process: Int32) -> Double? {
    guard let data = FileManager.default.contents(atPath: "/proc/\(process)/status") else { return nil }
    for line in String(decoding: data, as: UTF8.self).split(separator: "\n") where line.hasPrefix("VmRSS:") {
      return line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Double($0) }.map {
        $0 * 1_024 / 1e6
      }
    }
    return nil
  }

  /// The most that the process had while `body` ran, looked at ten times a second.
  static func peak<Value: Sendable>(
    of process: Int32, while body: @Sendable () async throws -> Value
  ) async throws -> (Value, megabytes: Double) {
    let watch = Task {
      var peak = 0.0
      while !Task.isCancelled {
        peak = max(peak, residentMegabytes(of: process) ?? 0)
        try? await Task.sleep(for: .milliseconds(100))
      }
      return peak
    }
    do {
      let value = try await body()
      watch.cancel()
      return (value, await watch.value)
    } catch {
      watch.cancel()
      throw error
    }
  }
}

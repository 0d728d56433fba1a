import Glibc
import Synchronization

/// TCP ports of 127.0.0.1 that are free and stay so: from below the range out of which Linux gives ports to outgoing connections, so
/// that one still is free when its server is started, or started again.
package enum FreePort {
  private static let range: Range<UInt16> = 20_000..<32_000
  /// In this process. What asks for a port listens there much later: nobody else may get it meanwhile.
  private static let given = Mutex<Set<UInt16>>([])

  /// A port that nobody listens on, and that this process was never given before.
  ///
  /// Another process may choose the same one, at random among 12,000.
  package static func find() throws(PrivatePostgresError) -> Int {
    for _ in 0..<1_000 {
      let port = UInt16.random(in: range)
      guard given.withLock({ $0.insert(port).inserted }), try isFree(port) else { continue }
      return Int(port)
    }
    throw PrivatePostgresError(
      "no free TCP port was found on 127.0.0.1",
      because: "the ports from \(range.lowerBound) to \(range.upperBound - 1) are taken",
      remedy: "End what listens there (ss -ltnp).")
  }

  private static func isFree(_ port: UInt16) throws(PrivatePostgresError) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else {
      throw PrivatePostgresError(
        "no free TCP port was found on 127.0.0.1", because: SystemError.text(errno), remedy: "Check the loopback interface.")
    }
    defer { close(descriptor) }
    // A `sockaddr_in`, by its bytes: which module its Swift form is of depends on what else is compiled beside this file.
    return withUnsafeTemporaryAllocation(byteCount: 16, alignment: 8) { bytes in
      bytes.initializeMemory(as: UInt8.self, repeating: 0)
      bytes.storeBytes(of: sa_family_t(AF_INET), as: sa_family_t.self)
      bytes.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self)
      bytes.storeBytes(of: UInt32(0x7f00_0001).bigEndian, toByteOffset: 4, as: UInt32.self)
      return bind(descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count)) == 0
    }
  }
}

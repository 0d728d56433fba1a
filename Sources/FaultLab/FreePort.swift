import Glibc

/// A TCP port on 127.0.0.1 that nobody listens on at this moment. Another process may take it before it is used.
package enum FreePort {
  package static func find() throws(PrivatePostgresError) -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw unavailable() }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let found = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { general in
        bind(descriptor, general, length) == 0 && getsockname(descriptor, general, &length) == 0
      }
    }
    guard found else { throw unavailable() }
    return Int(UInt16(bigEndian: address.sin_port))
  }

  private static func unavailable() -> PrivatePostgresError {
    PrivatePostgresError(
      "no free TCP port was found on 127.0.0.1", because: SystemError.text(errno), remedy: "Check the loopback interface.")
  }
}

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// The 4 or 16 bytes of an IP address in text; `nil` for any other text.
func ipAddress(_ text: String) -> [UInt8]? {
  for (family, byteCount) in [(AF_INET, 4), (AF_INET6, 16)] {
    var bytes = [UInt8](repeating: 0, count: byteCount)
    if inet_pton(family, text, &bytes) == 1 { return bytes }
  }
  return nil
}

internal import COpenSSL

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// One digest context for each thread, freed when the thread ends. Hashing never suspends, so no other user of the thread
/// sees it half used.
enum ThreadDigestContext {
  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    #if canImport(Darwin)
      let result = pthread_key_create(&key) { EVP_MD_CTX_free(OpaquePointer($0)) }
    #else
      let result = pthread_key_create(&key) { EVP_MD_CTX_free($0.map(OpaquePointer.init)) }
    #endif
    precondition(result == 0, "no thread-local storage is left")
    return key
  }()

  static var current: OpaquePointer? {
    if let existing = pthread_getspecific(key) { return OpaquePointer(existing) }
    let context = EVP_MD_CTX_new()
    precondition(context != nil, "no memory for a digest context")
    pthread_setspecific(key, context.map(UnsafeRawPointer.init))
    return context
  }
}

import Synchronization

/// What was found lately, for whoever asks for it again.
struct Recollection<Key: Hashable & Sendable, Value: Sendable>: ~Copyable, Sendable {
  /// Beyond this all is forgotten, and found again when it is next asked for.
  private let countMax: Int
  private let known = Mutex<[Key: Value]>([:])

  init(countMax: Int) { self.countMax = countMax }

  /// - Parameter find: may run more than once at the same time.
  func value(of key: Key, find: () -> Value) -> Value {
    if let value = known.withLock({ $0[key] }) { return value }
    let found = find()
    let (value, _) = known.withLock { known in
      // Another's, where there is one by now: what is remembered stays the same object.
      if let value = known[key] { return (value, [Key: Value]()) }
      var forgotten: [Key: Value] = [:]
      if known.count >= countMax { swap(&forgotten, &known) }
      known[key] = found
      // Many: freed when nobody waits for the lock any more.
      return (found, forgotten)
    }
    return value
  }
}

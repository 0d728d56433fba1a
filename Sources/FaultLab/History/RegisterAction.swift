/// What one operation does to one register. A value is an integer; `nil` means that the key is absent, as every key is at first.
package enum RegisterAction: Hashable, Sendable {
  /// With what was read; `nil` also for as long as nothing has been.
  case read(Int?)
  case write(Int?)
  /// Acknowledged only where the register held `expected`.
  case compareAndSet(expected: Int?, new: Int?)

  /// The sequential specification of a register: what it holds after this action.
  /// - Returns: `nil` where the action cannot have happened to a register that held `value`.
  func applied(to value: Int?) -> Int?? {
    switch self {
    case .read(let read): read == value ? .some(value) : nil
    case .write(let new): .some(new)
    case .compareAndSet(let expected, let new): expected == value ? .some(new) : nil
    }
  }

  /// What the register has to hold for this action to happen; `nil` where it may hold anything.
  var needs: Int?? {
    switch self {
    case .read(let value), .compareAndSet(expected: let value, new: _): .some(value)
    case .write: nil
    }
  }

  /// What the register holds afterwards, for an action that sets it.
  var sets: Int?? {
    switch self {
    case .read: nil
    case .write(let new), .compareAndSet(expected: _, new: let new): .some(new)
    }
  }

  /// Whether no register is different after this action.
  var isObservation: Bool {
    switch self {
    case .read: true
    case .write: false
    case .compareAndSet(let expected, let new): expected == new
    }
  }
}

extension RegisterAction: CustomStringConvertible {
  package var description: String {
    switch self {
    case .read(let value): "read \(Self.text(value))"
    case .write(let new): "write \(Self.text(new))"
    case .compareAndSet(let expected, let new): "cas \(Self.text(expected)) to \(Self.text(new))"
    }
  }

  static func text(_ value: Int?) -> String { value.map(String.init) ?? "absent" }
}

/// The name of one deployment of Domicile (a store and its coordinators), e.g. `eu-west`.
///
/// One to 32 characters: lower-case ASCII letters, digits and single hyphens, starting with a letter. The form is a DNS
/// label, so that a region's name can stand in a certificate's SPIFFE URI and in a host name.
package struct RegionID: Hashable, Sendable, Comparable, CustomStringConvertible {
  package let rawValue: String

  /// - Returns: `nil` where `text` is not of the form above.
  package init?(_ text: String) {
    guard (1...32).contains(text.utf8.count), let first = text.utf8.first, (0x61...0x7a).contains(first) else { return nil }
    var previous: UInt8 = 0
    for byte in text.utf8 {
      switch byte {
      case 0x61...0x7a, 0x30...0x39: break
      case 0x2d where previous != 0x2d: break
      default: return nil
      }
      previous = byte
    }
    guard previous != 0x2d else { return nil }
    rawValue = text
  }

  package var description: String { rawValue }
  package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// A region's number in the catalog: what the directory stores in place of the name. Never reused.
package struct RegionOrdinal: Hashable, Sendable, Comparable, CustomStringConvertible {
  package let rawValue: UInt16

  /// - Returns: `nil` for 0, which no region has.
  package init?(_ value: Int) {
    guard let number = UInt16(exactly: value), number > 0 else { return nil }
    rawValue = number
  }

  package var description: String { String(rawValue) }
  package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// How often a region's history was restarted (restore from a backup, lost failover). Starts at 1.
package struct Incarnation: Hashable, Sendable, Comparable {
  package let rawValue: UInt32
  package init(_ rawValue: UInt32) { self.rawValue = rawValue }
  package static let first = Incarnation(1)
  package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// How often a subject has moved: the fencing token of its home. Starts at 1 when the subject is registered.
package struct Epoch: Hashable, Sendable, Comparable {
  package let rawValue: UInt64
  package init(_ rawValue: UInt64) { self.rawValue = rawValue }
  package static let first = Epoch(1)
  package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

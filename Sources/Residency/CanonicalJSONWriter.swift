/// Writes a JSON document in the canonical form of RFC 8785 straight to bytes, for documents that are written too often to be made as
/// values first.
///
/// The caller gives the members of each object in the order of their names' UTF-16 code units, as the canonical form has them; a debug
/// build checks it.
package struct CanonicalJSONWriter {
  package private(set) var bytes: [UInt8] = []
  private var isFirst = true
  #if DEBUG
    private var lastName: String?
  #endif

  package init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

  /// The document's outermost object, or an item of a list.
  package mutating func object(_ members: (inout Self) -> Void) {
    separate()
    enclosed(0x7b, 0x7d, members)
  }

  package mutating func object(_ name: StaticString, _ members: (inout Self) -> Void) {
    self.name(name)
    enclosed(0x7b, 0x7d, members)
  }

  /// A list of objects. It is left out where it is empty, so that a document has one form only.
  /// - Parameter members: writes those of the item at an index. Not of any type's items: that would be looked up anew with each list.
  package mutating func list(_ name: StaticString, count: Int, _ members: (inout Self, _ index: Int) -> Void) {
    guard count > 0 else { return }
    self.name(name)
    enclosed(0x5b, 0x5d) { writer in
      for index in 0..<count { writer.object { members(&$0, index) } }
    }
  }

  /// Left out where it is empty.
  package mutating func strings(_ name: StaticString, _ items: [String]) {
    guard !items.isEmpty else { return }
    self.name(name)
    enclosed(0x5b, 0x5d) { writer in
      for item in items {
        writer.separate()
        JSONValue.write(item, to: &writer.bytes)
      }
    }
  }

  /// Left out where it is `nil`.
  package mutating func string(_ name: StaticString, _ text: String?) {
    guard let text else { return }
    self.name(name)
    JSONValue.write(text, to: &bytes)
  }

  /// - Parameter append: appends a text of which nothing has to be escaped, such as digits.
  package mutating func plain(_ name: StaticString, _ append: (inout [UInt8]) -> Void) {
    self.name(name)
    bytes.append(0x22)
    append(&bytes)
    bytes.append(0x22)
  }

  /// Of up to 53 bits: JSON's numbers are doubles.
  package mutating func integer(_ name: StaticString, _ number: Int64) {
    self.name(name)
    write(number.magnitude, isNegative: number < 0)
  }

  /// As text, since it may have 64 bits. Left out where it is `nil`.
  package mutating func decimal(_ name: StaticString, _ number: UInt64?) {
    guard let number else { return }
    self.name(name)
    bytes.append(0x22)
    write(number, isNegative: false)
    bytes.append(0x22)
  }

  private mutating func write(_ magnitude: UInt64, isNegative: Bool) {
    if isNegative { bytes.append(0x2d) }
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
      var (rest, start) = (magnitude, digits.count)
      repeat {
        start -= 1
        digits[start] = UInt8(0x30 + rest % 10)
        rest /= 10
      } while rest > 0
      bytes.append(contentsOf: digits[start...])
    }
  }

  private mutating func name(_ name: StaticString) {
    #if DEBUG
      let text = name.description
      if let lastName { assert(lastName.utf16.lexicographicallyPrecedes(text.utf16), "\(name) comes before \(lastName)") }
      assert(text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x22 && $0 != 0x5c }, "\(name) would have to be escaped")
      lastName = text
    #endif
    separate()
    bytes.append(0x22)
    name.withUTF8Buffer { bytes.append(contentsOf: $0) }
    bytes.append(0x22)
    bytes.append(0x3a)
  }

  private mutating func separate() {
    if !isFirst { bytes.append(0x2c) }
    isFirst = false
  }

  private mutating func enclosed(_ open: UInt8, _ close: UInt8, _ body: (inout Self) -> Void) {
    #if DEBUG
      let outer = lastName
      lastName = nil
      defer { lastName = outer }
    #endif
    bytes.append(open)
    isFirst = true
    body(&self)
    bytes.append(close)
    isFirst = false
  }
}

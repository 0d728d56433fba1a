import Cryptography
import Residency

/// Writes a leaf as rows of the store hold it: ``LeafRow`` says in which form.
///
/// The caller gives the members of each object in the order of their names' UTF-16 code units, as the canonical form of RFC 8785 has
/// them; a debug build checks it, by the first name of what is constant.
struct LeafWriter {
  private(set) var bytes: [UInt8] = []
  private(set) var blanks: [(blank: LeafForm.Blank, place: Int)] = []
  private var isFirst = true
  #if DEBUG
    private var lastName: Substring?
  #endif

  init(capacity: Int) {
    bytes.reserveCapacity(capacity)
    bytes.append(LeafRow.form)
  }

  /// - Parameter begun: what was written before, with the form; a member comes next.
  init(copying begun: [UInt8], capacity: Int) {
    bytes.reserveCapacity(capacity)
    bytes.append(contentsOf: begun)
    isFirst = false
  }

  /// How many bytes are written: the place of what comes next.
  var place: Int { bytes.count }

  /// The leaf's outermost object, or an item of a list.
  mutating func object(_ members: (inout Self) -> Void) {
    separate()
    enclosed(0x7b, 0x7d, members)
  }

  mutating func object(_ name: LeafWord, _ members: (inout Self) -> Void) {
    self.name(name)
    enclosed(0x7b, 0x7d, members)
  }

  /// A member, or several, that never change.
  mutating func constant(_ members: LeafWord) { name(members) }

  /// A member that comes here and is filled in later, with a comma before it.
  mutating func leaveBlank(_ blank: LeafForm.Blank) {
    precondition(!isFirst, "nothing would stand before its comma")
    checkOrder(blank.name)
    blanks.append((blank, place))
  }

  /// What was written before.
  mutating func copy(_ written: [UInt8]) {
    bytes.append(contentsOf: written)
    #if DEBUG
      lastName = nil
    #endif
  }

  /// A list of objects. It is left out where it is empty, so that a document has one form only.
  /// - Parameter members: writes those of the item at an index. Not of any type's items: that would be looked up anew with each list.
  mutating func list(_ name: LeafWord, count: Int, _ members: (inout Self, _ index: Int) -> Void) {
    guard count > 0 else { return }
    self.name(name)
    enclosed(0x5b, 0x5d) { writer in
      for index in 0..<count { writer.object { members(&$0, index) } }
    }
  }

  /// Left out where it is empty.
  mutating func strings(_ name: LeafWord, _ items: [String]) {
    guard !items.isEmpty else { return }
    self.name(name)
    enclosed(0x5b, 0x5d) { writer in
      for item in items {
        writer.separate()
        writer.text(item)
      }
    }
  }

  /// Left out where it is `nil`.
  mutating func string(_ name: LeafWord, _ text: String?) {
    guard let text else { return }
    self.name(name)
    self.text(text)
  }

  /// A text that is mostly a prefix and the hexadecimal digits of some bytes: it may be any. Left out where it is `nil`.
  mutating func string(_ name: LeafWord, _ text: String?, digitsAfter prefix: StaticString) {
    guard var text else { return }
    self.name(name)
    let isWritten = text.withUTF8 { text in
      guard prefix.withUTF8Buffer({ text.starts(with: $0) }) else { return false }
      let digits = UnsafeBufferPointer(rebasing: text[prefix.utf8CodeUnitCount...])
      return Hexadecimal.withBytes(of: digits) { content in
        guard let content else { return false }
        bytes.append(0x22)
        prefix.withUTF8Buffer { bytes.append(contentsOf: $0) }
        LeafRow.Run.hexadecimal.begin(byteCount: content.count, in: &bytes)
        bytes.append(contentsOf: content)
        bytes.append(0x22)
        return true
      }
    }
    if !isWritten { self.text(text) }
  }

  /// The hexadecimal digits of a digest. Left out where it is `nil`.
  mutating func digits(_ name: LeafWord, _ digest: SHA256Digest?) {
    guard let digest else { return }
    self.name(name)
    digest.withUnsafeBytes { run(.hexadecimal, $0) }
  }

  mutating func digits(_ name: LeafWord, _ content: [UInt8]) {
    self.name(name)
    content.withUnsafeBytes { run(.hexadecimal, $0) }
  }

  mutating func base64(_ name: LeafWord, _ content: [UInt8]) {
    self.name(name)
    content.withUnsafeBytes { run(.base64, $0) }
  }

  /// Of up to 53 bits: JSON's numbers are doubles.
  mutating func integer(_ name: LeafWord, _ number: Int64) {
    self.name(name)
    write(number.magnitude, isNegative: number < 0)
  }

  /// As text, since it may have 64 bits. Left out where it is `nil`.
  mutating func decimal(_ name: LeafWord, _ number: UInt64?) {
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

  private mutating func text(_ text: String) {
    var text = text
    let isPlain = text.withUTF8 { text in
      guard text.allSatisfy({ $0 >= 0x20 && $0 < LeafWord.base && $0 != 0x22 && $0 != 0x5c }) else { return false }
      bytes.append(0x22)
      bytes.append(contentsOf: text)
      bytes.append(0x22)
      return true
    }
    guard !isPlain else { return }
    var written: [UInt8] = []
    JSONValue.write(text, to: &written)
    // A byte outside ASCII would be a word.
    if written.contains(where: { $0 >= LeafWord.base }) { LeafRow.Run.asItIs.begin(byteCount: written.count, in: &bytes) }
    bytes += written
  }

  private mutating func run(_ run: LeafRow.Run, _ content: UnsafeRawBufferPointer) {
    bytes.append(0x22)
    run.begin(byteCount: content.count, in: &bytes)
    bytes.append(contentsOf: content)
    bytes.append(0x22)
  }

  private mutating func name(_ name: LeafWord) {
    checkOrder(name)
    separate()
    bytes.append(name.rawValue)
  }

  private mutating func checkOrder(_ name: LeafWord) {
    #if DEBUG
      let text = name.text.description.dropFirst().prefix { $0 != "\"" }
      if let lastName { assert(lastName.utf16.lexicographicallyPrecedes(text.utf16), "\(name) comes before \(lastName)") }
      lastName = text
    #endif
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

import Cryptography
import Residency
import Testing

@Suite struct HashTests {
  /// FIPS 180-4 examples.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ])
  func `SHA-256 gives the published digests`(text: String, digest: String) {
    #expect(SHA256.hash(Array(text.utf8)).hex == digest)
    #expect(SHA256.digest(of: Array(text.utf8)).description == digest)
  }

  @Test func `a million times the letter a hashes the same in pieces`() {
    var hasher = SHA256Hasher()
    let piece = [UInt8](repeating: 0x61, count: 1000)
    for _ in 0..<1000 { hasher.update(piece) }
    #expect(hasher.finalize().description == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test func `a tree node is the hash of prefix, left and right`() throws {
    let left = SHA256.digest(of: [1])
    let right = SHA256.digest(of: [2])
    #expect(SHA256.digest(prefix: 1, left, right).bytes == SHA256.hash([1] + left.bytes + right.bytes))
    let leaf: [UInt8] = [9, 8, 7]
    #expect(leaf.withUnsafeBytes { SHA256.digest(prefix: 0, $0) }.bytes == SHA256.hash([0] + leaf))
  }

  @Test func `threads hash independently of each other`() async {
    let expected = (0..<64).map { SHA256.hash([UInt8($0)]) }
    let found = await withTaskGroup(of: Bool.self) { group in
      for index in 0..<64 {
        group.addTask { (0..<200).allSatisfy { _ in SHA256.hash([UInt8(index)]) == expected[index] } }
      }
      return await group.reduce(true) { $0 && $1 }
    }
    #expect(found)
  }

  @Test func `a digest takes exactly 32 bytes`() {
    #expect(SHA256Digest([UInt8](repeating: 7, count: 32))?.bytes == [UInt8](repeating: 7, count: 32))
    #expect(SHA256Digest([UInt8](repeating: 7, count: 31)) == nil)
    #expect(SHA256Digest([UInt8](repeating: 7, count: 33)) == nil)
  }

  /// RFC 4231, test cases 1, 2, 3 and 6.
  @Test(arguments: [
    (
      String(repeating: "0b", count: 20), "4869205468657265",
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    ),
    (
      "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    ),
    (
      String(repeating: "aa", count: 20), String(repeating: "dd", count: 50),
      "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
    ),
    (
      String(repeating: "aa", count: 131),
      "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579204669727374",
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    ),
  ])
  func `HMAC-SHA-256 gives the published codes`(key: String, message: String, code: String) throws {
    let key = try #require([UInt8](hex: key))
    let message = try #require([UInt8](hex: message))
    let code = try #require([UInt8](hex: code))
    #expect(HMACSHA256.code(for: message, key: key) == code)
    #expect(HMACSHA256.isValid(code, for: message, key: key))
    let keyed = HMACSHA256.Keyed(key: key)
    #expect(keyed.code(for: message) == code)
    #expect(keyed.code(for: message + [1]) == HMACSHA256.code(for: message + [1], key: key))
    #expect(keyed.code(for: message) == code, "what came before leaves nothing behind")
    #expect(!HMACSHA256.isValid(Array(code.dropLast()), for: message, key: key))
    #expect(!HMACSHA256.isValid([code[0] ^ 1] + code.dropFirst(), for: message, key: key))
  }

  @Test func `an empty key and an empty message have a code of their own`() {
    #expect(
      HMACSHA256.code(for: [], key: []).hex == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
  }

  @Test func `a code under one key is not left over for the next`() {
    let first = HMACSHA256.code(for: [1], key: [1])
    _ = HMACSHA256.code(for: [1], key: [2])
    #expect(HMACSHA256.code(for: [1], key: [1]) == first)
    #expect(HMACSHA256.code(for: [1], key: [2]) != first)
  }

  /// RFC 5869, test cases 1, 2 (shortened to what it shows) and 3.
  @Test func `HKDF gives the published keys`() throws {
    let key = [UInt8](repeating: 0x0b, count: 22)
    let first = try HKDF.derive(key: key, salt: Array(0...12), info: Array(0xf0...0xf9), count: 42)
    #expect(
      first.hex
        == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")
    let third = try HKDF.derive(key: key, salt: [], info: [], count: 42)
    #expect(
      third.hex
        == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8")
  }

  @Test func `a root key derives what HKDF does, whichever it derived last`() throws {
    let bytes = [UInt8](repeating: 0x0b, count: 32)
    let root = RootKey(try #require(SymmetricKey(bytes: bytes)))
    for message in [bytes, [1], bytes] {
      for (number, purpose) in [(10, "november"), (10, "november"), (11, "december"), (10, "november")] {
        let key = try HKDF.derive(key: bytes, salt: [], info: Array(purpose.utf8), count: 32)
        let code = try message.withUnsafeBytes { try root.code(for: $0, number: number, purpose: purpose) }
        #expect(code.bytes == HMACSHA256.code(for: message, key: key), "\(purpose) of \(message.count) bytes")
      }
    }
  }

  @Test func `HKDF refuses an empty key and lengths it cannot make`() {
    #expect(throws: CryptographyError.self) { try HKDF.derive(key: [], salt: [], info: [], count: 32) }
    #expect(throws: CryptographyError.self) { try HKDF.derive(key: [1], salt: [], info: [], count: 0) }
    #expect(throws: CryptographyError.self) { try HKDF.derive(key: [1], salt: [], info: [], count: HKDF.countMax + 1) }
  }

  @Test func `randomness has the length asked for and does not repeat`() throws {
    #expect(try SecureRandom.bytes(0).isEmpty)
    #expect(try SecureRandom.bytes(33).count == 33)
    #expect(try SecureRandom.bytes(16) != SecureRandom.bytes(16))
    #expect(throws: CryptographyError.self) { try SecureRandom.bytes(-1) }
  }
}

import Residency
import Testing

@testable import Cryptography

@Suite struct SealingTests {
  /// The GCM specification's test cases 13, 14 and 16 (256-bit keys, 96-bit nonces).
  @Test func `AES-256-GCM gives the published ciphertexts and tags`() throws {
    let zeroKey = try #require(SymmetricKey(bytes: [UInt8](repeating: 0, count: 32)))
    let zeroNonce = [UInt8](repeating: 0, count: 12)
    let empty = try AESGCM.seal([], key: zeroKey, nonce: zeroNonce, additionalData: [])
    #expect(empty.dropFirst(12).hex == "530f8afbc74536b9a963b4f1c4cb738b")
    let block = try AESGCM.seal([UInt8](repeating: 0, count: 16), key: zeroKey, nonce: zeroNonce, additionalData: [])
    #expect(block.dropFirst(12).hex == "cea7403d4d606b6e074ec5d3baf39d18" + "d0d1c8a799996bf0265b98b5d48ab919")

    let key = try #require(
      [UInt8](hex: "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308").flatMap { SymmetricKey(bytes: $0) })
    let nonce = try #require([UInt8](hex: "cafebabefacedbaddecaf888"))
    let plaintext = try #require(
      [UInt8](
        hex: "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
          + "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"))
    let additional = try #require([UInt8](hex: "feedfacedeadbeeffeedfacedeadbeefabaddad2"))
    let sealed = try AESGCM.seal(plaintext, key: key, nonce: nonce, additionalData: additional)
    #expect(sealed.prefix(12).elementsEqual(nonce))
    #expect(
      sealed.dropFirst(12).hex
        == "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
        + "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662" + "76fc6ece0f4e1768cddf8853bb2d551b")
    #expect(try AESGCM.open(sealed, key: key, additionalData: additional) == plaintext)
  }

  @Test(arguments: [0, 1, 15, 16, 17, 4096, 1_048_576])
  func `what was sealed opens again`(count: Int) throws {
    let key = try SymmetricKey.random()
    let plaintext = try SecureRandom.bytes(count)
    let sealed = try AESGCM.seal(plaintext, key: key, additionalData: [1, 2])
    #expect(sealed.count == count + AESGCM.overheadByteCount)
    #expect(try AESGCM.open(sealed, key: key, additionalData: [1, 2]) == plaintext)
  }

  @Test func `a change of any byte, the context or the key is noticed`() throws {
    let key = try SymmetricKey.random()
    let sealed = try AESGCM.seal(Array("a secret".utf8), key: key, additionalData: Array("tag 1".utf8))
    for index in sealed.indices {
      var changed = sealed
      changed[index] ^= 0x80
      #expect(throws: CryptographyError.authenticationFailed) {
        try AESGCM.open(changed, key: key, additionalData: Array("tag 1".utf8))
      }
    }
    for count in 0..<sealed.count {
      #expect(throws: CryptographyError.authenticationFailed) {
        try AESGCM.open(Array(sealed.prefix(count)), key: key, additionalData: Array("tag 1".utf8))
      }
    }
    #expect(throws: CryptographyError.authenticationFailed) {
      try AESGCM.open(sealed, key: key, additionalData: Array("tag 2".utf8))
    }
    let other = try SymmetricKey.random()
    #expect(throws: CryptographyError.authenticationFailed) {
      try AESGCM.open(sealed, key: other, additionalData: Array("tag 1".utf8))
    }
  }

  @Test func `the same message sealed twice looks different`() throws {
    let key = try SymmetricKey.random()
    #expect(try AESGCM.seal([1], key: key, additionalData: []) != AESGCM.seal([1], key: key, additionalData: []))
  }

  @Test func `a key shows its bytes to nobody who prints it`() throws {
    let bytes = [UInt8](repeating: 0xAB, count: 32)
    let key = try #require(SymmetricKey(bytes: bytes))
    var dumped = ""
    dump(key, to: &dumped)
    for text in ["\(key)", String(reflecting: key), dumped] {
      #expect(!text.contains("171") && !text.lowercased().contains("ab, ") && !text.lowercased().contains("abab"))
    }
    #expect(key.withBytes { [UInt8]($0) } == bytes)
    #expect(SymmetricKey(bytes: Array(bytes.dropLast())) == nil)
    let signing = try Ed25519PrivateKey(seed: bytes)
    dumped = ""
    dump(signing, to: &dumped)
    #expect(!"\(signing)\(String(reflecting: signing))\(dumped)".contains("171"))
  }

  @Test func `of many nonces drawn together none is given twice, and each message opens`() throws {
    let key = try #require(SymmetricKey(bytes: [UInt8](repeating: 7, count: 32)))
    var nonces = AESGCM.Nonces(count: 7)
    let sealed = try (0..<200).map { try AESGCM.seal([UInt8($0 % 256)], key: key, additionalData: [1], nonces: &nonces) }
    #expect(Set(sealed.map { Array($0.prefix(AESGCM.nonceByteCount)) }).count == 200)
    for (index, message) in sealed.enumerated() {
      #expect(try AESGCM.open(message, key: key, additionalData: [1]) == [UInt8(index % 256)])
    }
  }
}

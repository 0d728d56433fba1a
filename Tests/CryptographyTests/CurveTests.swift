import Cryptography
import Residency
import Testing

@Suite struct CurveTests {
  /// RFC 8032, 7.1, tests 1 to 3.
  @Test(arguments: [
    (
      "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    ),
    (
      "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    ),
    (
      "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
      "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    ),
  ])
  func `Ed25519 gives the published keys and signatures`(seed: String, key: String, message: String, signature: String) throws {
    let privateKey = try Ed25519PrivateKey(seed: try #require([UInt8](hex: seed)))
    let message = try #require([UInt8](hex: message))
    let signature = try #require([UInt8](hex: signature))
    #expect(privateKey.publicKey.bytes.hex == key)
    #expect(try privateKey.sign(message) == signature)
    #expect(privateKey.publicKey.isValid(signature: signature, for: message))
    #expect(!privateKey.publicKey.isValid(signature: signature, for: message + [0]))
    for index in stride(from: 0, to: 64, by: 7) {
      var changed = signature
      changed[index] ^= 1
      #expect(!privateKey.publicKey.isValid(signature: changed, for: message))
    }
    #expect(!privateKey.publicKey.isValid(signature: Array(signature.dropLast()), for: message))
  }

  @Test func `generated keys differ, and a key of the wrong length is refused`() throws {
    #expect(try Ed25519PrivateKey.generate().seed != Ed25519PrivateKey.generate().seed)
    #expect(throws: CryptographyError.self) { try Ed25519PrivateKey(seed: [1, 2, 3]) }
    #expect(throws: CryptographyError.self) { try Ed25519PublicKey(bytes: []) }
  }

  /// RFC 7748, 5.2.
  @Test func `X25519 gives the published product`() throws {
    let scalar = try #require([UInt8](hex: "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"))
    let point = try #require([UInt8](hex: "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"))
    #expect(
      try X25519.sharedSecret(privateKey: scalar, publicKey: point).hex
        == "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552")
  }

  @Test func `both sides of X25519 compute one secret, and a point of small order is refused`() throws {
    let (a, b) = (try SecureRandom.bytes(32), try SecureRandom.bytes(32))
    let fromA = try X25519.sharedSecret(privateKey: a, publicKey: try X25519.publicKey(of: b))
    #expect(try fromA == X25519.sharedSecret(privateKey: b, publicKey: X25519.publicKey(of: a)))
    #expect(throws: CryptographyError.self) {
      try X25519.sharedSecret(privateKey: a, publicKey: [UInt8](repeating: 0, count: 32))
    }
    #expect(throws: CryptographyError.self) { try X25519.sharedSecret(privateKey: a, publicKey: [1]) }
  }
}

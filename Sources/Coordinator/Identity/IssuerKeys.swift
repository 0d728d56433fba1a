import JWTKit
import Residency

/// Why a key set cannot be used. For operators and logs: it names the file's flaw, not key material.
package enum IssuerKeyError: Error, Sendable, Hashable, CustomStringConvertible {
  case unreadable(path: String)
  case notKeySet
  /// A coordinator only verifies; a private or shared key in its file is a leak waiting to happen.
  case holdsPrivateKey(id: String?)
  case invalidKey(id: String?)
  case duplicateID(String)
  case noUsableKey

  package var description: String {
    switch self {
    case .unreadable(let path): "the key set \(path) cannot be read"
    case .notKeySet: "the file is not a JSON Web Key Set (RFC 7517): {\"keys\": […]}, at most \(IssuerKeys.keyCountMax) keys"
    case .holdsPrivateKey(let id): "key \(id ?? "without id") is private: publish the public half only"
    case .invalidKey(let id): "key \(id ?? "without id") is damaged, or is not of a size that is safe"
    case .duplicateID(let id): "two keys have the id \(id)"
    case .noUsableKey:
      "no key is usable: one of \(TokenAlgorithm.allCases.map(\.rawValue).joined(separator: ", ")) for signatures is needed"
    }
  }
}

/// An issuer's public keys, each bound to one algorithm (RFC 8725, 3.1): a token cannot choose how its key is used.
struct IssuerKeys: Sendable {
  static let keyCountMax = 64

  struct Key: Sendable {
    let id: String?
    let algorithm: TokenAlgorithm
    private let verifier: any JWTAlgorithm

    init(id: String?, algorithm: TokenAlgorithm, verifier: any JWTAlgorithm) {
      self.id = id
      self.algorithm = algorithm
      self.verifier = verifier
    }

    func isValid(signature: [UInt8], of signed: [UInt8]) -> Bool {
      do {
        return try verifier.verify(signature, signs: signed)
      } catch {
        // A signature that cannot even be parsed is not valid.
        return false
      }
    }
  }

  /// One reading of a key set: what was proved with another one has to be proved again.
  final class Edition: Sendable {}

  let keys: [Key]
  let edition = Edition()

  /// The keys that a token with this header may have been signed with. A token that names a key is held to that name.
  func candidates(id: String?, algorithm: TokenAlgorithm) -> [Key] {
    keys.filter { $0.algorithm == algorithm && (id == nil || $0.id == id) }
  }

  /// Keys for other uses and of unknown types are passed over, as RFC 7517, section 5, asks.
  init(keySet: [UInt8]) async throws(IssuerKeyError) {
    guard let document = Self.parse(keySet), let items = document["keys"]?.arrayValue, items.count <= Self.keyCountMax else {
      throw .notKeySet
    }
    var keys: [Key] = []
    for item in items {
      guard let key = try await Self.key(item) else { continue }
      if let id = key.id, keys.contains(where: { $0.id == id }) { throw .duplicateID(id) }
      keys.append(key)
    }
    guard !keys.isEmpty else { throw .noUsableKey }
    self.keys = keys
  }

  private static func parse(_ bytes: [UInt8]) -> JSONValue? {
    do { return try JSONValue(parsing: bytes) } catch { return nil }
  }

  private static func key(_ item: JSONValue) async throws(IssuerKeyError) -> Key? {
    guard case .object = item else { throw .notKeySet }
    let id = item["kid"]?.stringValue
    let type = item["kty"]?.stringValue
    guard item["d"] == nil, type != "oct" else { throw .holdsPrivateKey(id: id) }
    if let use = item["use"], use != "sig" { return nil }
    if let operations = item["key_ops"]?.arrayValue, !operations.contains("verify") { return nil }
    let curve = item["crv"]?.stringValue
    let natural: TokenAlgorithm
    switch (type, curve) {
    case ("OKP", "Ed25519"): natural = .edDSA
    case ("EC", "P-256"): natural = .es256
    case ("RSA", _): natural = item["alg"] == "PS256" ? .ps256 : .rs256
    default: return nil
    }
    if let stated = item["alg"]?.stringValue, stated != natural.rawValue { return nil }
    do {
      return Key(id: id, algorithm: natural, verifier: try await verifier(item, natural))
    } catch {
      throw .invalidKey(id: id)
    }
  }

  private static func verifier(_ item: JSONValue, _ algorithm: TokenAlgorithm) async throws -> any JWTAlgorithm {
    func member(_ name: String) throws(IssuerKeyError) -> String {
      guard let text = item[name]?.stringValue else { throw .invalidKey(id: nil) }
      return text
    }
    let collection = JWTKeyCollection()
    switch algorithm {
    case .edDSA:
      await collection.add(eddsa: try EdDSA.PublicKey(x: member("x"), curve: .ed25519))
    case .es256:
      await collection.add(ecdsa: try ES256PublicKey(parameters: (x: member("x"), y: member("y"))))
    case .rs256:
      await collection.add(rsa: try Insecure.RSA.PublicKey(modulus: member("n"), exponent: member("e")), digestAlgorithm: .sha256)
    case .ps256:
      await collection.add(pss: try Insecure.RSA.PublicKey(modulus: member("n"), exponent: member("e")), digestAlgorithm: .sha256)
    }
    return try await collection.getKey()
  }
}

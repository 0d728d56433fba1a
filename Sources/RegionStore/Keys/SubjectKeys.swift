package import Cryptography

/// The two keys of one subject. Destroying them erases the person: from the records, and from the meaning of the audit log.
package struct SubjectKeys: Sendable {
  /// Seals records and residence.
  let data: SymmetricKey
  /// Names the subject in the audit log: HMAC(audit key for a period, tag).
  let audit: RootKey
}

/// The region's key-encryption key: wraps the keys of its subjects. Never leaves the region.
package struct KeyEncryptionKey: Sendable {
  /// Which one, so that it can be rotated.
  package let id: String
  let key: SymmetricKey

  package init(id: String, key: SymmetricKey) {
    self.id = id
    self.key = key
  }
}

package import Residency

/// Proof that a read was permitted, and the only thing that can prepare a document for release.
///
/// Only a permitting ``Decision`` on `read` or `export` yields one.
package struct PermittedRead: Sendable {
  package let decision: Decision
  private let access: FieldAccess

  init(decision: Decision, access: FieldAccess) {
    self.decision = decision
    self.access = access
  }

  /// Whether nothing of an object with these members is withheld: it may then leave as it is.
  package func isClear(for members: some Sequence<String>) -> Bool {
    members.allSatisfy { member in
      access.schema.fields(in: CollectionSchema.field(ofMember: member)).allSatisfy { access.view(of: $0) == .clear }
    }
  }

  /// The classes that an object with these members may have something of, where ``isClear(for:)`` holds.
  package func classes(ofMembers members: some Sequence<String>) -> Set<DataClass> {
    members.reduce(into: []) { classes, member in
      classes.formUnion(access.schema.fields(in: CollectionSchema.field(ofMember: member)).map(access.schema.dataClass))
    }
  }

  /// `document` as the recipient may see it, and what was withheld of what was asked for.
  ///
  /// A field whose view cannot be made from its value (the last four letters of a list) is dropped. A document that is not an
  /// object has no fields to permit: nothing of it is released.
  /// - Parameter hash: a keyed hash (HMAC) under a key of the home region, so that nobody else can try values.
  package func redact(_ document: JSONValue, hash: (_ message: [UInt8]) -> [UInt8]) -> Redacted {
    guard case .object(let members) = document else {
      return Redacted(document: .null, redactions: [Redaction(field: "*", view: .drop)], classes: [])
    }
    return withoutActuallyEscaping(hash) { hash in
      var redaction = DocumentRedaction(access: access, render: { render($0, of: $1, as: $2, hash: hash) })
      var shown: [String: JSONValue] = [:]
      for (name, value) in members {
        let field = CollectionSchema.field(ofMember: name)
        let part = DocumentRedaction.Part(path: FieldPath(member: name), judgedAs: field, isRequested: access.isRequested(field))
        if let visible = redaction.show(value, part, called: name) { shown[name] = visible }
      }
      return Redacted(
        document: .object(shown),
        redactions: redaction.views.sorted { $0.key < $1.key }.map { Redaction(field: $0.key, view: $0.value) },
        classes: redaction.classes)
    }
  }

  /// A document as its recipient may see it.
  package struct Redacted: Sendable {
    package let document: JSONValue
    /// What was withheld of what was asked for, by field.
    package let redactions: [Redaction]
    /// The classes of which something is shown.
    package let classes: Set<DataClass>
  }

  private func render(_ value: JSONValue, of field: String, as view: View, hash: ([UInt8]) -> [UInt8]) -> JSONValue? {
    switch view {
    case .clear: return value
    case .drop: return nil
    case .last4: return lastFour(of: value)
    case .hash:
      // The field is part of the message: equal values of different fields do not show as equal.
      guard value != .null else { return nil }
      return .string("h:" + hash(JSONValue.array(["hash", .string(field), value]).canonicalBytes).hex)
    case .pseudonym:
      // The recipient is part of the message: two recipients cannot join what they were given.
      guard value != .null else { return nil }
      let recipient = JSONValue.string(access.recipient.rawValue)
      return .string("p:" + hash(JSONValue.array(["pseudonym", recipient, .string(field), value]).canonicalBytes).hex)
    }
  }

  /// Four stars, whatever the length, and the last four letters or digits of a text or number that has at least eight.
  private func lastFour(of value: JSONValue) -> JSONValue? {
    let text: String
    switch value {
    case .string(let string): text = string
    case .number: text = value.canonicalText
    case .null, .bool, .array, .object: return nil
    }
    let letters = text.filter { $0.isLetter || $0.isNumber }
    guard letters.count >= 8 else { return nil }
    return .string("****\(letters.suffix(4))")
  }
}

extension Decision {
  /// The right to release what was read: `nil` unless this permits a read or an export.
  package var permittedRead: PermittedRead? {
    guard effect == .permit, let access else { return nil }
    return PermittedRead(decision: self, access: access)
  }
}

import Residency

extension PolicyReader {
  /// `vocabulary.yaml`: classes, purposes and safeguards are the deployment's own; actions and views must be ones that the
  /// engine knows how to carry out.
  mutating func readVocabulary(_ node: ConfigurationNode) {
    let keys = ["actions", "classes", "purposes", "safeguards", "views"]
    guard let fields = node.fields("the vocabulary", required: keys, optional: ["certifications"], &diagnostics) else { return }
    func plain(_ reader: inout PolicyReader, _ text: String, _ location: SourceLocation) -> String? {
      if text.isWord { return text }
      reader.report(location, "'\(text)' is not a word", help: "lower-case letters, digits and hyphens, at most 64")
      return nil
    }
    func list(_ key: String) -> [String] { fields[key].map { words($0, "'\(key)'", parse: plain) } ?? [] }
    vocabulary = PolicyVocabulary(
      actions: fields["actions"].map { node in
        words(node, "'actions'") { reader, text, location in
          reader.member(of: Action.allCases.map(\.rawValue), text, "action", at: location).flatMap(Action.init(rawValue:))
        }
      } ?? [],
      classes: list("classes").map(DataClass.init),
      purposes: list("purposes").map(Purpose.init),
      safeguards: list("safeguards").map(Safeguard.init),
      certifications: list("certifications").map(Certification.init),
      views: fields["views"].map { node in
        words(node, "'views'") { reader, text, location in
          reader.member(of: View.allCases.map(\.name), text, "view", at: location).flatMap(View.init(name:))
        }
      } ?? [])
  }

  /// `collections.yaml`.
  mutating func readCollections(_ node: ConfigurationNode) {
    guard let fields = node.fields("the file", required: ["collections"], &diagnostics), let entries = fields["collections"],
      let pairs = entries.pairs("'collections'", &diagnostics)
    else { return }
    collections = [:]
    for (key, value) in pairs {
      guard let name = key.string("a collection's name", &diagnostics) else { continue }
      guard name.isWord else {
        report(key.location, "'\(name)' is not a collection's name", help: "lower-case letters, digits and hyphens, at most 64")
        continue
      }
      guard let schema = schema(CollectionName(name), value) else { continue }
      collections?[schema.name] = schema
      if schema.locality == .global { globalCollections[schema.name] = key.location }
    }
  }

  private mutating func schema(_ name: CollectionName, _ node: ConfigurationNode) -> CollectionSchema? {
    let what = "collection '\(name)'"
    guard
      let fields = node.fields(
        what, required: ["default_class", "locality", "audit"],
        optional: ["description", "fields", "resolver", "stale_reads", "local_writes"], &diagnostics)
    else { return nil }
    var classes: [String: DataClass] = [:]
    for (key, value) in fields["fields"].flatMap({ $0.pairs("the fields of \(what)", &diagnostics) }) ?? [] {
      guard let field = key.string("a field's name", &diagnostics) else { continue }
      guard field != "*" else {
        report(key.location, "'*' is not a field", help: "'default_class' is for the fields that are not named")
        continue
      }
      guard FieldPath(field) != nil else {
        report(key.location, "'\(field)' is not a field", help: "write it as address, address.street or items[].price")
        continue
      }
      if let other = classes.keys.first(where: { FieldPath.shapeless($0) == FieldPath.shapeless(field) }) {
        report(
          key.location,
          "'\(field)' and '\(other)' are one field: a record is judged by names, whether there is a list or a single value",
          help: "name one of the two")
        continue
      }
      if let dataClass = dataClass(value) { classes[field] = dataClass }
    }
    let description = text(fields["description"], "the description of \(what)")
    let locality = choice(fields["locality"], "locality", CollectionSchema.Locality.self)
    let audit = choice(fields["audit"], "audit level", CollectionSchema.AuditLevel.self)
    let staleReads = fields["stale_reads"].map { choice($0, "'stale_reads'", CollectionSchema.Allowance.self) } ?? .allowed
    let localWrites = fields["local_writes"].map { choice($0, "'local_writes'", CollectionSchema.Allowance.self) } ?? .refused
    let defaultClass = fields["default_class"].flatMap { dataClass($0) }
    guard let locality, let audit, let staleReads, let localWrites, let defaultClass else { return nil }
    guard let resolver = resolver(fields["resolver"], locality, what) else { return nil }
    return CollectionSchema(
      name: name, description: description, locality: locality, resolver: locality == .global ? resolver : nil, audit: audit,
      staleReads: staleReads, localWrites: localWrites,
      defaultClass: defaultClass, classes: classes)
  }

  /// - Returns: that of a collection that names none, too; `nil` where what it names is wrong.
  private mutating func resolver(
    _ node: ConfigurationNode?, _ locality: CollectionSchema.Locality, _ what: String
  ) -> DocumentResolver? {
    guard let node else { return .app }
    guard locality == .global else {
      report(
        node.location, "\(what) lives at home, where nobody else writes",
        help: "leave 'resolver' out: it is for collections with 'locality: global'")
      return nil
    }
    return choice(node, "resolver", DocumentResolver.self)
  }

  private mutating func dataClass(_ node: ConfigurationNode) -> DataClass? {
    guard let text = node.string("a class", &diagnostics) else { return nil }
    return dataClass(text, at: node.location)
  }

  mutating func dataClass(_ text: String, at location: SourceLocation) -> DataClass? {
    guard let vocabulary else { return DataClass(text) }
    return member(of: vocabulary.classes.map(\.rawValue), text, "class", at: location).map(DataClass.init)
  }

  mutating func purpose(_ text: String, at location: SourceLocation) -> Purpose? {
    guard let vocabulary else { return Purpose(text) }
    return member(of: vocabulary.purposes.map(\.rawValue), text, "purpose", at: location).map(Purpose.init)
  }

  mutating func safeguard(_ text: String, at location: SourceLocation) -> Safeguard? {
    guard let vocabulary else { return Safeguard(text) }
    return member(of: vocabulary.safeguards.map(\.rawValue), text, "safeguard", at: location).map(Safeguard.init)
  }

  mutating func view(_ text: String, at location: SourceLocation) -> View? {
    let known = (vocabulary?.views ?? View.allCases).map(\.name)
    return member(of: known, text, "view", at: location).flatMap(View.init(name:))
  }

  /// `principals.yaml`.
  mutating func readPrincipals(_ node: ConfigurationNode) {
    guard let fields = node.fields("the file", required: ["principals"], &diagnostics),
      let node = fields["principals"]
    else { return }
    readPrincipalList(node)
  }

  mutating func readPrincipalList(_ node: ConfigurationNode) {
    for item in node.items("'principals'", &diagnostics) ?? [] {
      let fields = item.fields(
        "a principal", required: ["match", "purposes"], optional: ["certifications", "note"], &diagnostics)
      guard let fields else { continue }
      let pattern = text(fields["match"], "'match'")
      let purposes = fields["purposes"].map { node in
        words(node, "'purposes'") { reader, text, location in reader.purpose(text, at: location) }
      }
      let held = fields["certifications"].flatMap { $0.items("'certifications'", &diagnostics) } ?? []
      let certifications = held.compactMap { certificationHeld($0) }
      guard let pattern, let purposes else { continue }
      principals.append(
        PrincipalEntry(pattern: NamePattern(text: pattern), purposes: Set(purposes), certifications: certifications))
    }
  }

  /// A word, or a mapping that says since when and until when it is held.
  private mutating func certificationHeld(_ node: ConfigurationNode) -> HeldCertification? {
    guard case .mapping = node.content else {
      return node.string("a certification", &diagnostics).flatMap { certification($0, at: node.location) }.map {
        HeldCertification(certification: $0, period: .always)
      }
    }
    let fields = node.fields(
      "a certification", required: ["certification", "reference"], optional: ["from", "until", "review_by", "note"], &diagnostics)
    guard let fields, let word = fields["certification"], let text = text(word, "'certification'") else { return nil }
    _ = self.text(fields["reference"], "'reference'")
    let period = period(fields)
    if let node = fields["review_by"], let reviewBy = date(node, "'review_by'"), reviewBy < today {
      warn(
        node.location, "certification '\(text)' was to be reviewed by \(reviewBy)",
        help: "ask the recipient for its renewal, then move 'review_by'")
    }
    if let until = period.until, until <= today {
      warn(node.location, "certification '\(text)' ended on \(until) and no longer counts", help: "renew it, or remove it")
    }
    return certification(text, at: word.location).map { HeldCertification(certification: $0, period: period) }
  }

  mutating func certification(_ text: String, at location: SourceLocation) -> Certification? {
    guard let vocabulary else { return Certification(text) }
    return member(of: vocabulary.certifications.map(\.rawValue), text, "certification", at: location).map(Certification.init)
  }
}

extension String {
  /// Lower-case ASCII letters, digits, hyphens and underscores, at most 64, starting with a letter.
  var isWord: Bool {
    guard (1...64).contains(utf8.count), let first = utf8.first, (0x61...0x7a).contains(first) else { return false }
    return utf8.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d || $0 == 0x5f }
  }
}

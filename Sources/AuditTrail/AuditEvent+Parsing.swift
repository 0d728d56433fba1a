import Cryptography
import Residency

extension AuditEvent {
  /// Reads a leaf back.
  /// - Throws: ``FormatError`` for anything that ``leafBytes()`` does not write: another class or release, a missing or unknown
  ///   attribute, a form that is not canonical.
  package init(leaf bytes: [UInt8]) throws(FormatError) {
    let document: JSONValue
    do {
      document = try JSONValue(parsing: bytes)
    } catch {
      throw FormatError(.leaf, "not a JSON document")
    }
    try self.init(LeafReader(document))
    guard try leafBytes() == bytes else {
      throw FormatError(.leaf, "not canonical, or with attributes that this version does not know")
    }
  }

  private init(_ leaf: LeafReader) throws(FormatError) {
    guard try leaf.number("class_uid") == 6005 else { throw leaf.wrong("class_uid") }
    guard try leaf.member("metadata").string("version") == Self.ocsfVersion else { throw leaf.wrong("metadata.version") }
    let more = try leaf.member("unmapped")
    let milliseconds = try leaf.number("time")
    // Beyond 53 bits several numbers are one double: such a time would not be the one that was written.
    guard let time = Int64(exactly: milliseconds), time.magnitude < 1 << 53 else { throw leaf.wrong("time") }
    self.init(
      time: UTCTime(milliseconds: time),
      id: try leaf.member("metadata").string("uid"),
      activity: try more.value("activity") { AuditActivity(rawValue: $0) },
      effect: try more.value("effect") { Effect(rawValue: $0) },
      requester: try leaf.member("src_endpoint").endpoint(),
      salt: try more.value("salt") { Base64.decode($0).flatMap(Salt.init) })
    reason = try leaf.optionalString("status_code")
    rules = try more.rules()
    monitored = try more.optionalMember("monitored").map { (monitored) throws(FormatError) in
      Monitored(
        effect: try monitored.value("effect") { Effect(rawValue: $0) }, rules: try monitored.rules(),
        redactions: try monitored.redactions())
    }
    policyRevision = try more.optionalString("policy_revision")
    home = try leaf.optionalMember("dst_endpoint").map { (home) throws(FormatError) in try home.endpoint() }
    hops = try more.list("hops") { (hop) throws(FormatError) in
      Hop(from: try hop.member("from").place(), to: try hop.member("to").place())
    }
    purpose = try more.optionalString("purpose").map(Purpose.init)
    legalBasis = try more.optionalString("legal_basis")
    safeguard = try more.optionalString("safeguard").map(Safeguard.init)
    agreement = try more.optionalMember("agreement").map { (agreement) throws(FormatError) in
      Agreement(id: try agreement.string("id"), reference: try agreement.string("reference"))
    }
    collection = try leaf.optionalMember("table").map { (table) throws(FormatError) in
      CollectionName(try table.string("name"))
    }
    classes = try more.strings("classes").map(DataClass.init)
    redactions = try more.redactions()
    facts = try more.optionalMember("facts").map { (facts) throws(FormatError) in try DecisionFacts(facts) }
    documentKey = try more.optionalString("document")
    recordVersion = try more.optionalValue("record_version") { UInt64($0) }
    if let subject = try more.optionalMember("subject") {
      self.subject = AuditPseudonym(
        period: try subject.value("period") { AuditPeriod($0) },
        code: try subject.value("pseudonym") { [UInt8](hex: $0).flatMap { SHA256Digest($0) } })
      subjectEpoch = try subject.optionalValue("epoch") { UInt64($0).map(Epoch.init) }
    }
    directoryVersion = try more.optionalString("directory_version")
    principal = try leaf.member("actor").optionalMember("user").map { (user) throws(FormatError) in try user.string("uid") }
    request = try more.optionalMember("request").map { (request) throws(FormatError) in
      RequestNumber(coordinator: try request.string("coordinator"), number: try request.value("number") { UInt64($0) })
    }
    account = try more.optionalMember("account").map { (account) throws(FormatError) in
      func ranges(_ key: String) throws(FormatError) -> NumberRanges {
        try account.optionalValue(key) { NumberRanges($0) } ?? NumberRanges()
      }
      return Account(
        through: try account.value("through") { UInt64($0) }, passed: try ranges("passed"), failed: try ranges("failed"))
    }
    setup = try more.optionalMember("setup").map { (setup) throws(FormatError) in
      Setup(
        catalogHash: try setup.value("catalog") { [UInt8](hex: $0).flatMap { SHA256Digest($0) } },
        logKey: try setup.string("log_key"), witnessKey: try setup.string("witness_key"))
    }
    counterpart = try more.optionalMember("counterpart").map { (other) throws(FormatError) in
      Counterpart(
        region: try other.value("region") { RegionID($0) }, index: try other.optionalValue("index") { UInt64($0) },
        leafHash: try other.optionalValue("leaf_hash") { [UInt8](hex: $0).flatMap { SHA256Digest($0) } })
    }
    operation = try more.optionalString("operation")
    sealedDetails = try more.optionalValue("details") { Base64.decode($0) }
  }
}

extension LeafReader {
  fileprivate func rules() throws(FormatError) -> [AuditEvent.Rule] {
    try list("rules") { (rule) throws(FormatError) in
      AuditEvent.Rule(id: try rule.string("id"), location: try rule.string("at"))
    }
  }

  fileprivate func redactions() throws(FormatError) -> [AuditEvent.Redaction] {
    try list("redactions") { (redaction) throws(FormatError) in
      AuditEvent.Redaction(field: try redaction.string("field"), view: try redaction.value("view") { View(name: $0) })
    }
  }

  fileprivate func endpoint() throws(FormatError) -> AuditEvent.Place {
    let location = try optionalMember("location")
    let country = try location?.value("country") { Jurisdiction(recorded: $0) }
    let part = try location?.optionalValue("region") { Jurisdiction(recorded: $0) }
    return AuditEvent.Place(region: try optionalValue("uid") { RegionID($0) }, jurisdiction: part ?? country)
  }

  func place() throws(FormatError) -> AuditEvent.Place {
    AuditEvent.Place(
      region: try optionalValue("region") { RegionID($0) },
      jurisdiction: try optionalValue("jurisdiction") { Jurisdiction(recorded: $0) })
  }
}

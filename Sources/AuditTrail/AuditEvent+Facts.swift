package import Residency

extension AuditEvent {
  /// What a decision rested on beside what the event says in any case, so that whoever has the policies can decide it again.
  ///
  /// As little of the person as that takes (GDPR Art. 5(1)(c)): of the residence only what some rule for the action asks for. After an
  /// erasure it is what somebody had, whom nobody can name.
  package struct DecisionFacts: Hashable, Sendable {
    /// How far the person agreed to the purpose.
    package enum Consent: String, Hashable, Sendable, CaseIterable { case none, explicit, implied }

    /// What of a record the decision was about.
    package enum Fields: Hashable, Sendable {
      case all
      /// By their paths; `*` for those that neither schema nor rules name. Never empty.
      case named([String])
      /// An empty document.
      case none
    }

    /// Of how many people data of a class left the home's jurisdiction this year, this one included.
    package struct Transferred: Hashable, Sendable {
      package var dataClass: DataClass
      package var people: UInt64

      package init(dataClass: DataClass, people: UInt64) {
        self.dataClass = dataClass
        self.people = people
      }
    }

    package var action: Action
    /// In order.
    package var citizenship: [Jurisdiction] = []
    /// `nil`: not known.
    package var consent: Consent?
    package var fields = Fields.all
    package var firstWrite: Jurisdiction?
    /// Where it is not the event's: whose law was asked.
    package var home: Place?
    /// The policies could not be confirmed for too long, so that no rule was asked.
    package var wasOutdated = false
    /// Where it is not the event's.
    package var purpose: Purpose?
    package var residence: Jurisdiction?
    package var subdivision: Jurisdiction?
    /// Who would have received the data, where it does not follow from the event.
    package var recipients: [Place] = []
    package var transferred: [Transferred] = []

    package init(action: Action) { self.action = action }
  }
}

extension LeafWriter {
  mutating func writeFacts(_ facts: AuditEvent.DecisionFacts) {
    string(.action, facts.action.rawValue)
    strings(.citizenship, facts.citizenship.map(\.rawValue))
    string(.consent, facts.consent?.rawValue)
    if case .named(let fields) = facts.fields { strings(.fields, fields) }
    string(.firstWrite, facts.firstWrite?.rawValue)
    if let home = facts.home { object(.home) { $0.writePlace(home) } }
    string(.noFields, facts.fields == .none ? "true" : nil)
    string(.outdated, facts.wasOutdated ? "true" : nil)
    string(.purpose, facts.purpose?.rawValue)
    string(.residence, facts.residence?.rawValue)
    string(.subdivision, facts.subdivision?.rawValue)
    list(.to, count: facts.recipients.count) { $0.writePlace(facts.recipients[$1]) }
    list(.transferred, count: facts.transferred.count) { out, index in
      out.string(.dataClass, facts.transferred[index].dataClass.rawValue)
      out.decimal(.people, facts.transferred[index].people)
    }
  }
}

extension AuditEvent.DecisionFacts {
  init(_ facts: LeafReader) throws(FormatError) {
    self.init(action: try facts.value("action") { Action(rawValue: $0) })
    for code in try facts.strings("citizenship") {
      guard let jurisdiction = Jurisdiction(recorded: code) else { throw facts.wrong("citizenship") }
      citizenship.append(jurisdiction)
    }
    consent = try facts.optionalValue("consent") { Consent(rawValue: $0) }
    let named = try facts.strings("fields")
    let isEmpty = try facts.flag("no_fields")
    guard named.isEmpty || !isEmpty else { throw facts.wrong("no_fields") }
    fields = isEmpty ? .none : named.isEmpty ? .all : .named(named)
    firstWrite = try facts.optionalValue("first_write") { Jurisdiction(recorded: $0) }
    home = try facts.optionalMember("home").map { (home) throws(FormatError) in try home.place() }
    wasOutdated = try facts.flag("outdated")
    purpose = try facts.optionalString("purpose").map(Purpose.init)
    residence = try facts.optionalValue("residence") { Jurisdiction(recorded: $0) }
    subdivision = try facts.optionalValue("subdivision") { Jurisdiction(recorded: $0) }
    recipients = try facts.list("to") { (place) throws(FormatError) in try place.place() }
    transferred = try facts.list("transferred") { (item) throws(FormatError) in
      Transferred(
        dataClass: DataClass(try item.string("class")), people: try item.value("people") { UInt64($0) })
    }
  }
}

extension LeafReader {
  /// `"true"`, or left out.
  fileprivate func flag(_ key: String) throws(FormatError) -> Bool {
    try optionalValue(key) { $0 == "true" ? true : nil } ?? false
  }
}

extension LeafScanner {
  /// The facts of a decision, after the brace that opens them.
  mutating func facts() -> Bool {
    guard take(#""action":""#), action() else { return false }
    if take(#","citizenship":["#), !list({ $0.take("\"") && $0.jurisdiction() }) { return false }
    if take(#","consent":""#), !(take("none\"") || take("explicit\"") || take("implied\"")) { return false }
    let hasFields = take(#","fields":["#)
    if hasFields, !list({ $0.take("\"") && $0.text() != nil }) { return false }
    if take(#","first_write":""#), !jurisdiction() { return false }
    if take(#","home":"#), !recordedPlace() { return false }
    if take(#","no_fields":"true""#), hasFields { return false }
    _ = take(#","outdated":"true""#)
    if take(#","purpose":""#), text() == nil { return false }
    if take(#","residence":""#), !jurisdiction() { return false }
    if take(#","subdivision":""#), !jurisdiction() { return false }
    if take(#","to":["#), !list({ $0.recordedPlace() }) { return false }
    if take(#","transferred":["#), !list({ $0.transferred() }) { return false }
    return take("}")
  }

  private mutating func transferred() -> Bool {
    take(#"{"class":""#) && text() != nil && take(#","people":""#) && decimal() != nil && take("}")
  }

  private mutating func action() -> Bool {
    take("read\"") || take("write\"") || take("store\"") || take("replicate\"") || take("move\"") || take("export\"")
  }

  /// One item at least, and the closing bracket.
  private mutating func list(_ item: (inout LeafScanner) -> Bool) -> Bool {
    repeat { guard item(&self) else { return false } } while take(",")
    return take("]")
  }

  /// A country or a part of one, with the quotation mark.
  mutating func jurisdiction() -> Bool {
    var other = self
    if country() != nil { return true }
    guard other.part() != nil else { return false }
    self = other
    return true
  }

  mutating func recordedPlace() -> Bool {
    guard take("{") else { return false }
    let hasJurisdiction = take(#""jurisdiction":""#)
    if hasJurisdiction, !jurisdiction() { return false }
    if hasJurisdiction ? take(#","region":""#) : take(#""region":""#) {
      guard region() != nil else { return false }
    }
    return take("}")
  }
}

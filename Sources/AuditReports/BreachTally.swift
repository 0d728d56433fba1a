import AuditTrail
import Cryptography
import Residency

/// Whose data may be concerned where a region, or a caller's credentials, were in the wrong hands: all that was touched meanwhile.
struct BreachTally: Sendable {
  private struct Touch {
    var times = 0
    var classes: Set<String> = []
    var recipients: Set<String> = []
    var first: UTCTime
    var last: UTCTime
  }

  private var subjects: [SHA256Digest: Touch] = [:]
  private var classes: [String: (times: Int, subjects: Set<SHA256Digest>)] = [:]
  private var recipients: [String: (times: Int, subjects: Set<SHA256Digest>)] = [:]
  private var refused = 0

  mutating func add(_ leaf: LogLeaf) {
    let event = leaf.event
    guard event.effect == .allowed else {
      refused += 1
      return
    }
    guard let subject = event.subject?.code else { return }
    var touch = subjects[subject] ?? Touch(first: event.time, last: event.time)
    touch.times += 1
    touch.classes.formUnion(event.classes.map(\.rawValue))
    touch.first = min(touch.first, event.time)
    touch.last = max(touch.last, event.time)
    for name in event.classes.map(\.rawValue) {
      classes[name, default: (0, [])].times += 1
      classes[name, default: (0, [])].subjects.insert(subject)
    }
    if event.activity.isDisclosure {
      let recipient = "\(event.principal ?? "the system itself"), \(event.requester.text)"
      touch.recipients.insert(recipient)
      recipients[recipient, default: (0, [])].times += 1
      recipients[recipient, default: (0, [])].subjects.insert(subject)
    }
    subjects[subject] = touch
  }

  func sections(_ context: ReportContext) -> [ReportDocument.Section] {
    func table(_ name: String, _ column: String, _ counts: [String: (times: Int, subjects: Set<SHA256Digest>)])
      -> ReportDocument.Table
    {
      .init(
        name, [column, "times", "pseudonyms"], numeric: [1, 2], empty: "None.",
        rows: counts.sorted { $0.key < $1.key }.map { [$0.key, String($0.value.times), String($0.value.subjects.count)] })
    }
    let listed = subjects.sorted { $0.key < $1.key }.map { code, touch in
      [
        code.description, String(touch.times), touch.classes.sorted().joined(separator: " "),
        touch.recipients.sorted().joined(separator: "; "),
        touch.first.description, touch.last.description,
      ]
    }
    return [
      .init(
        "Nature and extent", source: "GDPR Art. 33(3)(a)",
        [
          .facts([
            .init("pseudonyms concerned", String(subjects.count)), .init("recipients", String(recipients.count)),
            .init("refused meanwhile", String(refused)), .init("categories of data subjects", context.statement("subjects")),
          ]),
          .text(
            "A person has one pseudonym a month: over more than one month they are more than the people. Data that was taken past the "
              + "coordinators (a stolen disk, a copied backup) is in no log: then everybody at home in the region is concerned."),
        ]),
      .init("Classes of data", source: "GDPR Art. 33(3)(a)", [.table(table("classes", "class", classes))]),
      .init("Recipients", [.table(table("recipients", "recipient", recipients))]),
      .init(
        "Contact", source: "GDPR Art. 33(3)(b)",
        [.facts([.init("data protection officer", context.statement("data_protection_officer"))])]),
      .init(
        "Who is concerned", source: "GDPR Art. 34",
        [
          .text("The home region tells whose a pseudonym is, to who may ask: 'domicile-audit who' goes the other way."),
          .table(
            .init(
              "subjects", ["pseudonym", "times", "classes", "recipients", "first (UTC)", "last (UTC)"], numeric: [1],
              empty: "Nobody.", rows: listed)),
        ]),
    ]
  }
}

import Residency

/// A file of `lists/`, before the lists it names are looked up.
struct ListDocument {
  struct Member {
    /// A jurisdiction, or another list with a dollar sign before its name.
    var text: String
    var location: SourceLocation
    var period: Period
  }

  var name: String
  var location: SourceLocation
  var members: [Member]
  var effectiveFrom: CalendarDate?
}

extension PolicyReader {
  /// How sure the facts are: a primary source or several, one secondary source, general knowledge.
  private enum Confidence: String, CaseIterable {
    case primary = "A"
    case secondary = "B"
    case general = "C"
  }

  private enum ListStatus: String, CaseIterable {
    case inForce = "in-force"
    case atRisk = "at-risk"
  }

  mutating func readList(_ node: ConfigurationNode) {
    let required = ["list", "members", "source", "as_of", "effective_from", "review_by", "confidence", "status"]
    guard let fields = node.fields("a list", required: required, optional: ["note"], &diagnostics) else { return }
    let name = text(fields["list"], "a list's name")
    _ = fields["source"].flatMap { $0.items("'source'", &diagnostics) }.map { $0.map { $0.string("a source", &diagnostics) } }
    _ = choice(fields["confidence"], "confidence", Confidence.self)
    _ = choice(fields["status"], "status", ListStatus.self)
    _ = date(fields["as_of"], "'as_of'")
    let effectiveFrom = date(fields["effective_from"], "'effective_from'")
    let members = fields["members"].flatMap { $0.items("'members'", &diagnostics) } ?? []
    guard let name else { return }
    if let reviewBy = date(fields["review_by"], "'review_by'"), reviewBy < today {
      warn(
        fields["review_by"]?.location ?? node.location, "list '\(name)' was to be reviewed by \(reviewBy)",
        help: "check it against its source, then move 'as_of' and 'review_by'")
    }
    if let effectiveFrom, today < effectiveFrom {
      warn(
        fields["effective_from"]?.location ?? node.location, "list '\(name)' says nothing before \(effectiveFrom)",
        help: "until then forbids that name it apply and permits do not")
    }
    if let first = lists[name] {
      report(node.location, "there is a list '\(name)' already", help: "the other is at \(first.location.fileAndLine)")
      return
    }
    lists[name] = ListDocument(
      name: name, location: node.location, members: members.compactMap { listMember($0) }, effectiveFrom: effectiveFrom)
  }

  private mutating func listMember(_ node: ConfigurationNode) -> ListDocument.Member? {
    guard case .mapping = node.content else {
      guard let text = node.string("a member", &diagnostics) else { return nil }
      return ListDocument.Member(text: text, location: node.location, period: .always)
    }
    guard let fields = node.fields("a member", required: ["member"], optional: ["from", "until", "note"], &diagnostics) else {
      return nil
    }
    let period = period(fields)
    guard let member = fields["member"], let text = text(member, "'member'") else { return nil }
    if let until = period.until, until <= today {
      warn(node.location, "'\(text)' left this list on \(until)", help: "remove it when nobody asks about days before that")
    }
    return ListDocument.Member(text: text, location: member.location, period: period)
  }

  /// Checks every member once, and that no list is a member of itself.
  mutating func checkLists() {
    for list in lists.values.sorted(by: { $0.name < $1.name }) {
      for member in list.members where isKnown(member.text, at: member.location) {
        guard let name = member.text.listName else { continue }
        if path(from: name, to: list.name, seen: []) {
          report(
            member.location, "list '\(list.name)' contains itself through '$\(name)'",
            help: "remove one of the members that lead back")
        }
      }
    }
  }

  private func path(from name: String, to target: String, seen: Set<String>) -> Bool {
    if name == target { return true }
    guard !seen.contains(name), let list = lists[name] else { return false }
    return list.members.compactMap(\.text.listName).contains { path(from: $0, to: target, seen: seen.union([name])) }
  }

  private mutating func isKnown(_ text: String, at location: SourceLocation) -> Bool {
    if let name = text.listName {
      if lists[name] != nil || unreadableLists.contains(name) { return true }
      let known = lists.keys.sorted()
      let help = nearest(name, in: known).map { "did you mean '$\($0)'?" } ?? suggestion(for: name, in: known)
      report(location, "there is no list '\(name)'", help: help)
      return false
    }
    if Jurisdiction(text) != nil { return true }
    report(location, "'\(text)' is not a jurisdiction", help: jurisdictionHelp(text))
    return false
  }

  private func jurisdictionHelp(_ text: String) -> String {
    if lists[text] != nil { return "did you mean the list '$\(text)'?" }
    let help = JurisdictionAdvice.help(for: text)
    return help.contains("did you mean") ? help : "\(help), or a list ($eea)"
  }

  /// Jurisdictions and lists named in a rule, with everything the lists contain.
  mutating func jurisdictions(_ node: ConfigurationNode, _ what: String) -> JurisdictionSet {
    let names = words(node, what) { reader, text, location in reader.isKnown(text, at: location) ? text : nil }
    var set = JurisdictionSet.none
    for name in names { gather(name, period: .always, effectiveFrom: nil, seen: [], into: &set) }
    return set
  }

  private func gather(
    _ text: String, period: Period, effectiveFrom: CalendarDate?, seen: Set<String>, into set: inout JurisdictionSet
  ) {
    if let name = text.listName {
      guard !seen.contains(name), let list = lists[name] else { return }
      let start = [effectiveFrom, list.effectiveFrom].compactMap(\.self).max()
      // An empty list, too, says nothing before it takes effect.
      set.add([], effectiveFrom: start)
      for member in list.members {
        gather(
          member.text, period: period.intersection(member.period), effectiveFrom: start, seen: seen.union([name]), into: &set)
      }
    } else if let jurisdiction = Jurisdiction(text) {
      set.add([JurisdictionSet.Member(jurisdiction: jurisdiction, period: period)], effectiveFrom: effectiveFrom)
    }
  }
}

extension JurisdictionSet {
  fileprivate mutating func add(_ members: [Member], effectiveFrom: CalendarDate?) {
    if let index = groups.firstIndex(where: { $0.effectiveFrom == effectiveFrom }) {
      groups[index].members += members
    } else {
      groups.append(Group(effectiveFrom: effectiveFrom, members: members))
    }
  }
}

extension String {
  /// The name of the list that `$name` stands for.
  var listName: String? { hasPrefix("$") ? String(dropFirst()) : nil }
}

/// Reads one region file into a draft: what can be judged by that file alone.
struct RegionFileReader {
  let environment: [String: String]
  let stores: RegionCatalog.StoresNeeded
  private(set) var diagnostics: [Diagnostic] = []

  init(environment: [String: String], stores: RegionCatalog.StoresNeeded) {
    self.environment = environment
    self.stores = stores
  }

  private static let keys = ["region", "ordinal", "jurisdiction", "name", "location", "coordinator", "peer", "store", "audit"]

  mutating func read(_ document: ConfigurationNode) -> RegionDraft? {
    guard let fields = document.fields("a region", required: Self.keys, optional: ["status"], &diagnostics) else { return nil }
    var draft = RegionDraft(source: document.location)
    if let node = fields["region"] { draft.id = region(node, file: document.location.file) }
    if let node = fields["ordinal"] { draft.ordinal = ordinal(node) }
    if let node = fields["jurisdiction"] { draft.jurisdiction = jurisdiction(node) }
    if let node = fields["name"] { draft.name = name(node) }
    if let node = fields["location"] { draft.location = coordinates(node) }
    if let node = fields["coordinator"] { draft.coordinator = service("coordinator", node, urlKey: "public") }
    if let node = fields["peer"] { draft.peer = service("peer", node, urlKey: "url") }
    if let node = fields["store"] { draft.store = store(node, isNeeded: needsStore(draft.id?.value)) }
    if let node = fields["audit"] { audit(node, into: &draft) }
    if let node = fields["status"] { draft.status = status(node) }
    return draft
  }

  private func needsStore(_ id: RegionID?) -> Bool {
    switch stores {
    case .none: false
    case .of(let local): local == id
    case .all: true
    }
  }

  private mutating func report(_ node: ConfigurationNode, _ message: String, help: String) {
    diagnostics.append(Diagnostic(at: node.location, message, help: help))
  }

  /// The text of a scalar with its variables filled in; all of them must be set.
  private mutating func text(_ what: String, _ node: ConfigurationNode) -> String? {
    guard let text = node.string(what, &diagnostics) else { return nil }
    return expand(text, of: what, at: node, missingIsError: true)
  }

  private mutating func expand(_ text: String, of what: String, at node: ConfigurationNode, missingIsError: Bool) -> String? {
    do throws(VariableError) {
      return try expandingVariables(in: text, from: environment)
    } catch {
      switch error {
      case .unset(let names) where missingIsError:
        let list = names.joined(separator: " and ")
        report(
          node, "\(what) needs the environment variable \(list), which is not set",
          help: "set it, or write '${\(names[0]):-…}' with a default")
      case .unset: break
      case .malformed:
        report(node, "\(what) has a '${' that names no variable", help: "write '${NAME}' or '${NAME:-default}'")
      }
      return nil
    }
  }

  private mutating func region(_ node: ConfigurationNode, file: String) -> Located<RegionID>? {
    guard let text = text("region", node) else { return nil }
    guard let id = RegionID(text) else {
      report(
        node, "'\(text)' is not a region's name",
        help: "write lower-case letters, digits and single hyphens, starting with a letter, at most 32, e.g. 'eu-west'")
      return nil
    }
    let name = file.split(separator: "/").last.map(String.init) ?? file
    if name != "\(id).yaml", name != "\(id).yml" {
      report(node, "region '\(id)' is described in the file \(name)", help: "name the file '\(id).yaml', or correct the name")
    }
    return Located(value: id, location: node.location)
  }

  private mutating func ordinal(_ node: ConfigurationNode) -> Located<RegionOrdinal>? {
    guard let text = text("ordinal", node) else { return nil }
    guard let number = Int(text), let ordinal = RegionOrdinal(number) else {
      report(node, "'\(text)' is not an ordinal", help: "write a whole number from 1 to 65535 that no region ever had")
      return nil
    }
    return Located(value: ordinal, location: node.location)
  }

  private mutating func status(_ node: ConfigurationNode) -> RegionDescriptor.Status? {
    guard let text = text("status", node) else { return nil }
    guard let status = RegionDescriptor.Status(rawValue: text) else {
      let known = RegionDescriptor.Status.allCases.map(\.rawValue)
      report(
        node, "'\(text)' is not a region's status",
        help: nearest(text, in: known).map { "did you mean '\($0)'?" } ?? "write one of \(known.joined(separator: ", "))")
      return nil
    }
    return status
  }

  private mutating func jurisdiction(_ node: ConfigurationNode) -> Located<Jurisdiction>? {
    guard let text = text("jurisdiction", node) else { return nil }
    guard let jurisdiction = Jurisdiction(text) else {
      report(node, "'\(text)' is not a jurisdiction", help: JurisdictionAdvice.help(for: text))
      return nil
    }
    return Located(value: jurisdiction, location: node.location)
  }

  private mutating func name(_ node: ConfigurationNode) -> String? {
    guard let text = text("name", node) else { return nil }
    guard (1...80).contains(text.count), text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }) else {
      report(
        node, "the name must have 1 to 80 characters on one line", help: "write what people call it, e.g. 'Europe (Ireland)'")
      return nil
    }
    return text
  }

  private mutating func coordinates(_ node: ConfigurationNode) -> RegionDescriptor.Coordinates? {
    guard let fields = node.fields("location", required: ["latitude", "longitude"], &diagnostics) else { return nil }
    let latitude = fields["latitude"].flatMap { degrees("latitude", $0, limit: 90) }
    let longitude = fields["longitude"].flatMap { degrees("longitude", $0, limit: 180) }
    guard let latitude, let longitude else { return nil }
    return RegionDescriptor.Coordinates(latitude: latitude, longitude: longitude)
  }

  private mutating func degrees(_ what: String, _ node: ConfigurationNode, limit: Double) -> Double? {
    guard let text = text(what, node) else { return nil }
    guard let degrees = Double(text), degrees.magnitude <= limit else {
      report(node, "\(what) '\(text)' is not on Earth", help: "write degrees from -\(Int(limit)) to \(Int(limit))")
      return nil
    }
    return degrees
  }

  private mutating func service(_ what: String, _ node: ConfigurationNode, urlKey: String) -> RegionDraft.ServiceDraft? {
    guard let fields = node.fields(what, required: ["listen", urlKey], &diagnostics) else { return nil }
    return RegionDraft.ServiceDraft(
      listen: fields["listen"].flatMap { listen("\(what).listen", $0) },
      url: fields[urlKey].flatMap { url("\(what).\(urlKey)", $0) })
  }

  private mutating func listen(_ what: String, _ node: ConfigurationNode) -> Located<ListenAddress>? {
    guard let text = text(what, node) else { return nil }
    guard let address = ListenAddress(text) else {
      report(
        node, "\(what): '\(text)' is not an address to listen on",
        help: "write host and port, the port from 1 to 65535, e.g. '127.0.0.1:7102' or '[::1]:7102'")
      return nil
    }
    return Located(value: address, location: node.location)
  }

  private mutating func url(_ what: String, _ node: ConfigurationNode) -> Located<HTTPSOrigin>? {
    guard let text = text(what, node) else { return nil }
    do throws(HTTPSOrigin.Flaw) {
      return Located(value: try HTTPSOrigin(text), location: node.location)
    } catch {
      switch error {
      case .notHTTPS:
        let rest = text.firstRange(of: "://").map { String(text[$0.upperBound...]) } ?? text
        report(node, "\(what) must be an https URL", help: "write '\(rest.contains("@") ? "https://…" : "https://\(rest)")'")
      case .userInformation:
        report(
          node, "\(what) must hold no user or password",
          help: "callers are known by token or certificate: remove what is before '@'")
      case .path:
        let end = text.dropFirst(8).firstIndex { "/?#\\".contains($0) } ?? text.endIndex
        report(node, "\(what) must end behind host and port", help: "write '\(text[..<end])'")
      case .hostOrPort:
        report(node, "\(what): '\(text)' has no valid host and port", help: "write e.g. 'https://eu-west.example.com:7102'")
      }
      return nil
    }
  }

  private mutating func store(_ node: ConfigurationNode, isNeeded: Bool) -> RegionDescriptor.Store? {
    guard let fields = node.fields("store", required: ["dsn", "keys_dsn"], optional: ["confirmations"], &diagnostics) else {
      return nil
    }
    let dsn = fields["dsn"].flatMap { connection("store.dsn", $0, isNeeded: isNeeded) }
    let keysDSN = fields["keys_dsn"].flatMap { connection("store.keys_dsn", $0, isNeeded: isNeeded) }
    let confirmations = fields["confirmations"].map { confirmationCount($0) } ?? 0
    guard let dsn, let keysDSN, let confirmations else { return nil }
    return RegionDescriptor.Store(dsn: dsn, keysDSN: keysDSN, confirmations: confirmations)
  }

  private mutating func confirmationCount(_ node: ConfigurationNode) -> Int? {
    guard let text = text("store.confirmations", node) else { return nil }
    guard let number = Int(text), (0...16).contains(number) else {
      report(
        node, "store.confirmations '\(text)' is no number of standbys",
        help: "write how many standbys must have a commit on disk before it is told, 0 to 16")
      return nil
    }
    return number
  }

  /// Never puts the text into a message: it may hold a password.
  private mutating func connection(_ what: String, _ node: ConfigurationNode, isNeeded: Bool) -> ConnectionString? {
    guard case .scalar(let raw) = node.content else {
      report(node, "\(what) must be a connection string", help: "write '\"${VARIABLE}\"' and set that variable")
      return nil
    }
    guard let text = expand(raw, of: what, at: node, missingIsError: isNeeded) else { return nil }
    guard let connection = ConnectionString(text) else {
      report(
        node, "\(what) is not a PostgreSQL connection string (its text is not shown: it may hold a password)",
        help: "write 'postgresql://user@host:5432/database' or 'host=… dbname=… user=…'")
      return nil
    }
    return connection
  }

  private mutating func audit(_ node: ConfigurationNode, into draft: inout RegionDraft) {
    guard let fields = node.fields("audit", required: ["origin", "witnesses"], &diagnostics) else { return }
    if let node = fields["origin"] { draft.origin = origin(node) }
    if let node = fields["witnesses"] { draft.witnesses = witnesses(node) }
  }

  /// Not empty, no space and no plus: a signed note's key name (C2SP signed-note).
  private mutating func origin(_ node: ConfigurationNode) -> Located<String>? {
    guard let text = text("audit.origin", node) else { return nil }
    let isKeyName = text.unicodeScalars.allSatisfy { scalar in
      !scalar.properties.isWhitespace && scalar != "+" && scalar.properties.generalCategory != .control
    }
    guard (1...255).contains(text.utf8.count), isKeyName, !text.contains("://") else {
      report(
        node, "audit.origin '\(text)' cannot name a log",
        help: "write a URL without its scheme, without spaces and '+', e.g. 'eu-west.domicile.example/audit'")
      return nil
    }
    return Located(value: text, location: node.location)
  }

  private mutating func witnesses(_ node: ConfigurationNode) -> Located<[Located<RegionID>]>? {
    guard let items = node.items("audit.witnesses", &diagnostics) else { return nil }
    var witnesses: [Located<RegionID>] = []
    for item in items {
      guard let text = text("a witness", item) else { continue }
      guard let id = RegionID(text) else {
        report(item, "'\(text)' is not a region's name", help: "write the name of another region, e.g. 'us-east'")
        continue
      }
      witnesses.append(Located(value: id, location: item.location))
    }
    return Located(value: witnesses, location: node.location)
  }
}

import Residency

/// A walk through one record, down to where its schema no longer tells parts apart.
struct DocumentRedaction {
  /// Where in the record.
  struct Part {
    /// `nil` where no rule can speak of it alone, for its name cannot be written in a path.
    let path: FieldPath?
    /// The field that rules are asked about.
    let judgedAs: String
    /// Whether it, or what it lies in, was asked for.
    let isRequested: Bool
  }

  private let access: FieldAccess
  /// A value in a view; `nil` where that view of it cannot be made.
  private let render: (_ value: JSONValue, _ field: String, _ view: View) -> JSONValue?
  /// What was withheld, by field: the strongest view where it differs from element to element.
  private(set) var views: [String: View] = [:]
  /// The classes of which something is shown, in whatever view.
  private(set) var classes: Set<DataClass> = []

  init(access: FieldAccess, render: @escaping (JSONValue, String, View) -> JSONValue?) {
    self.access = access
    self.render = render
  }

  /// - Parameter name: of a member of the record that the schema does not name.
  /// - Returns: what the recipient sees of it; `nil` for nothing.
  mutating func show(_ value: JSONValue, _ part: Part, called name: String) -> JSONValue? {
    let isAskedWithin = !part.isRequested && access.isRequestedWithin(part.judgedAs)
    guard part.isRequested || isAskedWithin else { return nil }
    if let path = part.path, isAskedWithin || access.schema.isDivided(path.text) {
      switch value {
      case .object(let members): return show(members, in: part, path)
      case .array(let elements): return show(elements, in: part, path)
      case .null, .bool, .number, .string: break
      }
    }
    guard part.isRequested else { return nil }
    let field = access.schema.named(part.judgedAs) ?? name
    // Where parts are expected and a single value stands, nobody knows of which part it is: it is judged as all of them.
    let judged = access.schema.fields(in: part.judgedAs)
    let view = judged.map(access.permittedView).max() ?? .drop
    let shown = render(value, field, view)
    if shown != nil { classes.formUnion(judged.map(access.schema.dataClass)) }
    let withheld = shown == nil ? .drop : view
    if withheld != .clear { views[field] = max(views[field] ?? .clear, withheld) }
    return shown
  }

  private mutating func show(_ members: [String: JSONValue], in part: Part, _ path: FieldPath) -> JSONValue? {
    var shown: [String: JSONValue] = [:]
    for (name, value) in members {
      let inner = path.member(name)
      let isRequested = part.isRequested || (inner.map { access.isRequested($0.text) } ?? false)
      let innerPart = Part(path: inner, judgedAs: inner?.text ?? part.judgedAs, isRequested: isRequested)
      if let visible = show(value, innerPart, called: path.text) { shown[name] = visible }
    }
    return shown.isEmpty ? nil : .object(shown)
  }

  /// An element of which nothing is shown leaves no gap: what is left does not tell where it stood.
  private mutating func show(_ elements: [JSONValue], in part: Part, _ path: FieldPath) -> JSONValue? {
    let inner = path.element
    let innerPart = Part(path: inner, judgedAs: inner.text, isRequested: part.isRequested || access.isRequested(inner.text))
    let shown = elements.compactMap { show($0, innerPart, called: path.text) }
    return shown.isEmpty ? nil : .array(shown)
  }
}

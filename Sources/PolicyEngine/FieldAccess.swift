import Residency

/// The views that one rule names: by field, and for all others.
struct FieldViews: Hashable, Sendable {
  /// By paths without marks of lists: a rule speaks of a field, whatever the shape that a record or another schema gives it.
  private(set) var named: [String: View]
  /// The entry `*`.
  var others: View?

  /// A permit without views shows everything it covers.
  static let clear = FieldViews(named: [:], others: .clear)

  /// - Returns: whether there was no view of that field yet.
  mutating func add(_ view: View, of field: String) -> Bool {
    named.updateValue(view, forKey: FieldPath.shapeless(field)) == nil
  }

  /// What is nested in a named field goes with it, unless it is named itself.
  func view(of field: String) -> View? {
    if !named.isEmpty {
      let field = FieldPath.shapeless(field)
      if let view = named[field] { return view }
      for outer in FieldPath.ancestors(of: field) {
        if let view = named[outer] { return view }
      }
    }
    return others
  }
}

extension CollectionSchema {
  /// Whether `views` mask a part of a whole record: of what has `dataClass` in it.
  func isMasked(by views: FieldViews, in dataClass: DataClass?) -> Bool {
    var fields = fields
    // A record may hold fields that its schema does not name, under any name: those have the default class.
    if defaultClass == dataClass { fields += views.named.keys + ["*"] }
    return fields.contains { self.dataClass(of: $0) == dataClass && (views.view(of: $0) ?? .clear) != .clear }
  }
}

/// What a permit opens, field by field: the weakest view that a permit grants, raised to the strongest that a requirement
/// demands; the strongest of that over all hops. A field that no permit names is dropped.
struct FieldAccess: Hashable, Sendable {
  /// What applies to fields of one class on one hop.
  struct Scope: Hashable, Sendable {
    var grants: [FieldViews] = []
    var demands: [FieldViews] = []

    func view(of field: String) -> View {
      let granted = grants.map { $0.view(of: field) ?? .drop }.min() ?? .drop
      let demanded = demands.map { $0.view(of: field) ?? .clear }.max() ?? .clear
      return max(granted, demanded)
    }
  }

  let schema: CollectionSchema
  /// The fields asked for, and the named ones in them; `*` stands for those that the schema does not name.
  let requested: [String]
  let includesUnnamed: Bool
  /// One scope a hop.
  let scopes: [DataClass: [Scope]]
  let recipient: Jurisdiction

  func view(of field: String) -> View { isRequested(field) ? permittedView(of: field) : .drop }

  func isRequested(_ field: String) -> Bool {
    if requested.contains(field) || (includesUnnamed && schema.named(field) == nil) { return true }
    let field = FieldPath.shapeless(field)
    return requested.contains {
      let asked = FieldPath.shapeless($0)
      return asked == field || FieldPath.isText(field, within: asked)
    }
  }

  /// Whether something in `field` was asked for by itself.
  func isRequestedWithin(_ field: String) -> Bool {
    let field = FieldPath.shapeless(field)
    return requested.contains { FieldPath.isText(FieldPath.shapeless($0), within: field) }
  }

  /// Where it is asked for.
  func permittedView(of field: String) -> View {
    guard let hops = scopes[schema.dataClass(of: field)] else { return .drop }
    return hops.map { $0.view(of: schema.named(field) ?? field) }.max() ?? .drop
  }
}

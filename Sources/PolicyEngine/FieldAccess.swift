import Residency

/// The views that one rule names: by field, and for all others.
struct FieldViews: Hashable, Sendable {
  var named: [String: View]
  /// The entry `*`.
  var others: View?

  /// A permit without views shows everything it covers.
  static let clear = FieldViews(named: [:], others: .clear)

  func view(of field: String) -> View? { named[field] ?? others }
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
  /// The fields asked for; `*` stands for those that the schema does not name.
  let requested: [String]
  let includesUnnamed: Bool
  /// One scope a hop.
  let scopes: [DataClass: [Scope]]
  let recipient: Jurisdiction

  func view(of field: String) -> View {
    let isRequested = requested.contains(field) || (includesUnnamed && schema.classes[field] == nil)
    guard isRequested, let hops = scopes[schema.dataClass(of: field)] else { return .drop }
    return hops.map { $0.view(of: field) }.max() ?? .drop
  }
}

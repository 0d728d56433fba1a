import HTTPTypes

/// Which handler a method and a path lead to.
struct ConnectRouter: Sendable {
  enum Destination {
    case call(UnaryMethod)
    case callByGet(UnaryMethod)
    case raw(RawRoute)
    /// The path exists, but not with this HTTP method.
    case methodNotAllowed(allow: String)
    case notFound
  }

  private let methods: [String: UnaryMethod]
  private let exactRoutes: [String: RawRoute]
  /// With the prefix that a path below the route begins with, longest first.
  private let prefixRoutes: [(prefix: String, route: RawRoute)]

  /// - Throws: `ConnectServerError.duplicatePath`.
  init(methods: [UnaryMethod], rawRoutes: [RawRoute]) throws(ConnectServerError) {
    var methodsByPath: [String: UnaryMethod] = [:]
    var exactRoutes: [String: RawRoute] = [:]
    var prefixRoutes: [(prefix: String, route: RawRoute)] = []
    for method in methods {
      guard methodsByPath.updateValue(method, forKey: method.path) == nil else { throw .duplicatePath(method.path) }
    }
    for route in rawRoutes {
      if route.pattern.hasSuffix("/**") {
        prefixRoutes.append((String(route.pattern.dropLast(2)), route))
      } else if methodsByPath[route.pattern] != nil || exactRoutes.updateValue(route, forKey: route.pattern) != nil {
        throw .duplicatePath(route.pattern)
      }
    }
    self.methods = methodsByPath
    self.exactRoutes = exactRoutes
    self.prefixRoutes = prefixRoutes.sorted { $0.prefix.utf8.count > $1.prefix.utf8.count }
  }

  var paths: [String] { methods.keys.sorted() + exactRoutes.keys.sorted() + prefixRoutes.map(\.route.pattern) }

  func destination(_ httpMethod: HTTPRequest.Method, path: String) -> Destination {
    if let method = methods[path] {
      switch httpMethod {
      case .post: return .call(method)
      case .get where method.noSideEffects: return .callByGet(method)
      default: return .methodNotAllowed(allow: method.noSideEffects ? "GET, POST" : "POST")
      }
    }
    let route = exactRoutes[path] ?? prefixRoutes.first { path.hasPrefix($0.prefix) }?.route
    guard let route else { return .notFound }
    return route.allows(httpMethod) ? .raw(route) : .methodNotAllowed(allow: route.allow)
  }
}

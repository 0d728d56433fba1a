import CLibPQ

/// How to reach a PostgreSQL server: a libpq connection string and what libpq leaves open.
///
/// Everything that libpq understands passes through: several hosts with `target_session_attrs`, TLS with
/// `sslmode=verify-full`, `passfile`, `options`. What the string sets wins over what this type sets.
package struct PostgresConfiguration: Sendable {
  /// Key/value (`host=… dbname=…`) or URI (`postgresql://…`) form; may hold a password.
  package let dsn: String
  /// Shown in `pg_stat_activity`, where the connection string names none.
  package let applicationName: String
  /// For each host of the connection string in turn, with TLS and authentication; libpq counts whole seconds, two at least.
  package let connectTimeout: Duration
  /// Settings of the session, by name, where the connection string has no `options` of its own.
  package let sessionSettings: [String: String]
  /// `nil`: as the connection string lists the servers.
  package let order: ServerOrder?

  package init(
    dsn: String, applicationName: String, connectTimeout: Duration = .seconds(5), sessionSettings: [String: String] = [:],
    order: ServerOrder? = nil
  ) {
    self.dsn = dsn
    self.applicationName = applicationName
    self.connectTimeout = connectTimeout
    self.sessionSettings = sessionSettings
    self.order = order
  }

  /// The same servers, with other session settings or in another order.
  package func with(sessionSettings: [String: String]? = nil, order: ServerOrder? = nil) -> PostgresConfiguration {
    PostgresConfiguration(
      dsn: dsn, applicationName: applicationName, connectTimeout: connectTimeout,
      sessionSettings: sessionSettings ?? self.sessionSettings, order: order ?? self.order)
  }

  /// The standbys among the servers that the connection string lists, whatever kind of server it asks for itself; `nil` where it lists
  /// one server, or cannot be read.
  package var ofStandbys: PostgresConfiguration? {
    guard listsServers, var settings else { return nil }
    settings.removeAll { $0.keyword == "target_session_attrs" }
    settings.append(("target_session_attrs", "standby"))
    return PostgresConfiguration(
      dsn: Self.text(settings), applicationName: applicationName, connectTimeout: connectTimeout,
      sessionSettings: sessionSettings)
  }

  private static let listed: Set = ["host", "hostaddr", "port"]

  /// Whether the connection string lists several servers.
  package var listsServers: Bool {
    settings?.contains { ["host", "hostaddr"].contains($0.keyword) && $0.value.contains(",") } ?? false
  }

  /// Of its order of servers.
  var turn: Int { order?.current ?? 0 }

  /// The connection string with its servers in their present order.
  private var orderedDSN: String {
    let turn = turn
    guard turn > 0, listsServers, let settings else { return dsn }
    return Self.text(
      settings.map { keyword, value in
        let items = value.split(separator: ",", omittingEmptySubsequences: false)
        guard Self.listed.contains(keyword), items.count > 1 else { return (keyword, value) }
        let first = turn % items.count
        return (keyword, (items[first...] + items[..<first]).joined(separator: ","))
      })
  }

  /// What the connection string sets; `nil` where libpq cannot read it.
  private var settings: [(keyword: String, value: String)]? {
    guard let options = PQconninfoParse(dsn, nil) else { return nil }
    defer { PQconninfoFree(options) }
    var settings: [(String, String)] = []
    var option = options
    while let keyword = option.pointee.keyword {
      if let value = option.pointee.val { settings.append((String(cString: keyword), String(cString: value))) }
      option = option.successor()
    }
    return settings
  }

  private static func text(_ settings: [(keyword: String, value: String)]) -> String {
    settings.map { setting in
      let value = setting.value.replacing("\\", with: "\\\\").replacing("'", with: "\\'")
      return "\(setting.keyword)='\(value)'"
    }.joined(separator: " ")
  }

  /// libpq's keywords and values, in an order where later ones win.
  ///
  /// A silent network cut ends a wait after about half a minute: by keep-alive probes when nothing is under way, by
  /// `tcp_user_timeout` when sent bytes stay unacknowledged.
  var libpqParameters: [(keyword: String, value: String)] {
    [
      ("connect_timeout", String(max(2, connectTimeout.roundedUpToSeconds))),
      ("keepalives", "1"), ("keepalives_idle", "15"), ("keepalives_interval", "5"), ("keepalives_count", "3"),
      ("tcp_user_timeout", "30000"),
      ("fallback_application_name", applicationName),
      ("options", sessionSettings.sorted { $0.key < $1.key }.map { "-c \($0.key)=\($0.value)" }.joined(separator: " ")),
      ("dbname", orderedDSN),
      ("client_encoding", "UTF8"),
    ]
  }

  /// The settings of the connection string that are no secret.
  ///
  /// - Returns: `nil` where libpq cannot read the string.
  var publicSettings: [(keyword: String, value: String)]? {
    let shown: Set = ["host", "hostaddr", "port", "dbname", "user", "sslmode", "target_session_attrs", "application_name"]
    return settings?.filter { shown.contains($0.keyword) }
  }
}

extension PostgresConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// Host, port, database, user and TLS mode; never the password.
  package var description: String {
    guard let publicSettings else { return "<unreadable connection string>" }
    return publicSettings.map { "\($0.keyword)=\($0.value)" }.joined(separator: " ")
  }

  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: ["settings": description]) }
}

extension Duration {
  var roundedUpToSeconds: Int64 { components.seconds + (components.attoseconds > 0 ? 1 : 0) }
}

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

  package init(
    dsn: String, applicationName: String, connectTimeout: Duration = .seconds(5), sessionSettings: [String: String] = [:]
  ) {
    self.dsn = dsn
    self.applicationName = applicationName
    self.connectTimeout = connectTimeout
    self.sessionSettings = sessionSettings
  }

  /// The same server, other session settings.
  package func with(sessionSettings: [String: String]) -> PostgresConfiguration {
    PostgresConfiguration(
      dsn: dsn, applicationName: applicationName, connectTimeout: connectTimeout, sessionSettings: sessionSettings)
  }

  /// The standbys among the servers that the connection string lists, whatever kind of server it asks for itself; `nil` where it lists
  /// one server, or cannot be read.
  package var ofStandbys: PostgresConfiguration? {
    guard let options = PQconninfoParse(dsn, nil) else { return nil }
    defer { PQconninfoFree(options) }
    var settings: [(keyword: String, value: String)] = []
    var option = options
    while let keyword = option.pointee.keyword {
      if let value = option.pointee.val { settings.append((String(cString: keyword), String(cString: value))) }
      option = option.successor()
    }
    guard settings.contains(where: { ["host", "hostaddr"].contains($0.keyword) && $0.value.contains(",") }) else { return nil }
    settings.removeAll { $0.keyword == "target_session_attrs" }
    settings.append(("target_session_attrs", "standby"))
    let text = settings.map { setting in
      let value = setting.value.replacing("\\", with: "\\\\").replacing("'", with: "\\'")
      return "\(setting.keyword)='\(value)'"
    }
    return PostgresConfiguration(
      dsn: text.joined(separator: " "), applicationName: applicationName, connectTimeout: connectTimeout,
      sessionSettings: sessionSettings)
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
      ("dbname", dsn),
      ("client_encoding", "UTF8"),
    ]
  }

  /// The settings of the connection string that are no secret.
  ///
  /// - Returns: `nil` where libpq cannot read the string.
  var publicSettings: [(keyword: String, value: String)]? {
    guard let options = PQconninfoParse(dsn, nil) else { return nil }
    defer { PQconninfoFree(options) }
    let shown: Set = ["host", "hostaddr", "port", "dbname", "user", "sslmode", "target_session_attrs", "application_name"]
    var settings: [(String, String)] = []
    var option = options
    while let keyword = option.pointee.keyword {
      let name = String(cString: keyword)
      if let value = option.pointee.val, shown.contains(name) { settings.append((name, String(cString: value))) }
      option = option.successor()
    }
    return settings
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

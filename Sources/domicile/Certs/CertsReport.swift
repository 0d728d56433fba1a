import Coordinator
import Foundation
import Residency

/// What `domicile certs` prints.
struct CertsReport {
  let state: StateFolder
  let items: [DevelopmentAuthority.Item]

  var text: String {
    let width = items.map(\.path.count).max() ?? 0
    let lines = items.map { item in
      let path = item.path.padding(toLength: width, withPad: " ", startingAt: 0)
      let outcome = item.outcome.rawValue.padding(toLength: 7, withPad: " ", startingAt: 0)
      let end = item.expires.map { ", until \(Self.day($0))" } ?? ""
      let reason = item.reason.map { " (\($0))" } ?? ""
      return "\(outcome)  \(path)  \(Self.meaning(of: item))\(end)\(reason)"
    }
    return
      (lines + [
        "",
        "Apps trust \(state.authority.certificate): curl --cacert \(state.authority.certificate) …",
        "A token: domicile token --principal me --purposes support",
      ]).joined(separator: "\n")
  }

  var json: String {
    JSONValue.object([
      "state": .string(state.path),
      "items": .array(items.map(Self.value)),
    ]).canonicalText
  }

  private static func value(_ item: DevelopmentAuthority.Item) -> JSONValue {
    var members: [String: JSONValue] = [
      "kind": .string(item.kind.rawValue), "outcome": .string(item.outcome.rawValue), "path": .string(item.path),
      "key": .string(item.keyPath),
    ]
    if let region = item.region { members["region"] = .string(region.rawValue) }
    if let reason = item.reason { members["reason"] = .string(reason) }
    if let expires = item.expires { members["expires"] = .string(expires.formatted(.iso8601)) }
    return .object(members)
  }

  private static func meaning(of item: DevelopmentAuthority.Item) -> String {
    switch item.kind {
    case .authority: "development CA"
    case .app: "\(item.region?.rawValue ?? "") for apps"
    case .peer: "\(item.region?.rawValue ?? "") for other regions"
    case .issuer: "token issuer's public keys"
    }
  }

  private static func day(_ date: Date) -> String {
    date.formatted(.iso8601.year().month().day())
  }
}

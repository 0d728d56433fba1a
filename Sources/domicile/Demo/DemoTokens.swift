import Coordinator
import Foundation
import Residency

/// Tokens for the demo's callers, in files, so that the commands it shows work as printed.
struct DemoTokens {
  let state: StateFolder

  private static let lifetime = Duration.seconds(12 * 3_600)

  static let principals: [(file: String, principal: Principal)] = [
    ("app", Principal(name: "app:shop", purposes: [Purpose("service"), Purpose("billing")])),
    ("support", Principal(name: "app:helpdesk", purposes: [Purpose("service"), Purpose("support")])),
    ("analytics", Principal(name: "app:insights", purposes: [Purpose("analytics")])),
    ("auditor", Principal(name: "auditor:demo", purposes: [], roles: [.auditor])),
  ]

  func write() async throws {
    let issuer = try TokenIssuer(state: state)
    let folder = "\(state.path)/tokens"
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    for (file, principal) in Self.principals {
      let token = try await issuer.token(for: principal, lifetime: Self.lifetime)
      let path = "\(folder)/\(file)"
      try Data("\(token)\n".utf8).write(to: URL(filePath: path), options: .atomic)
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    }
  }
}

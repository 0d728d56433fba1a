import ArgumentParser
import Coordinator
import Residency

/// The options of `domicile token`, understood.
struct TokenRequest {
  let principal: Principal
  let lifetime: Duration

  private static let lifetimeMax: Duration = .seconds(30 * 86400)

  init(principal: String, purposes: String, jurisdiction: String?, roles: String, ttl: String) throws {
    let isName =
      (1...256).contains(principal.utf8.count)
      && principal.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    guard isName else { throw ValidationError("--principal must have 1 to 256 bytes on one line") }
    self.principal = Principal(
      name: principal, purposes: try Self.purposes(purposes), jurisdiction: try jurisdiction.map(Self.jurisdiction),
      roles: try Self.roles(roles))
    lifetime = try Self.lifetime(ttl)
  }

  private static func words(_ list: String) -> [String] {
    list.split(separator: ",", omittingEmptySubsequences: true)
      .map { $0.trimmingPrefix(while: \.isWhitespace) }
      .map { word in String(word.reversed().trimmingPrefix(while: \.isWhitespace).reversed()) }
      .filter { !$0.isEmpty }
  }

  private static func purposes(_ list: String) throws -> Set<Purpose> {
    let words = words(list)
    guard !words.isEmpty else { throw ValidationError("--purposes names no purpose: write e.g. --purposes support,service") }
    for word in words {
      let isName = word.utf8.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5f || $0 == 0x2d }
      guard isName else {
        throw ValidationError("'\(word)' is not the name of a purpose: write lower-case words with commas between them")
      }
    }
    return Set(words.map { Purpose($0) })
  }

  private static func jurisdiction(_ text: String) throws -> Jurisdiction {
    guard let jurisdiction = Jurisdiction(text) else {
      throw ValidationError("'\(text)' is not a jurisdiction: \(JurisdictionAdvice.help(for: text))")
    }
    return jurisdiction
  }

  private static func roles(_ list: String) throws -> Set<Principal.Role> {
    let names = Principal.Role.allCases.map(\.rawValue)
    let roles = try words(list).map { word in
      guard let role = Principal.Role(rawValue: word) else {
        let help = nearest(word, in: names).map { "did you mean '\($0)'?" } ?? "the roles are \(names.joined(separator: ", "))"
        throw ValidationError("'\(word)' is not a role: \(help)")
      }
      return role
    }
    guard !roles.isEmpty else { throw ValidationError("--roles names no role: the roles are \(names.joined(separator: ", "))") }
    return Set(roles)
  }

  private static func lifetime(_ text: String) throws -> Duration {
    let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86400]
    guard let unit = text.last.flatMap({ units[$0] }), let count = Int(text.dropLast()), count > 0,
      !count.multipliedReportingOverflow(by: unit).overflow
    else { throw ValidationError("--ttl '\(text)' is not a time: write e.g. 90s, 30m, 1h or 7d") }
    let lifetime = Duration.seconds(count * unit)
    guard lifetime <= lifetimeMax else { throw ValidationError("--ttl '\(text)' is too long: a token lives at most 30d") }
    return lifetime
  }
}

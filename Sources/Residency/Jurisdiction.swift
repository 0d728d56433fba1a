/// Whose law: a country of ISO 3166-1 (`IE`, `US`) or a part of one by ISO 3166-2 (`CA-QC`).
package struct Jurisdiction: Hashable, Sendable, Comparable, CustomStringConvertible {
  package let rawValue: String

  /// - Returns: `nil` where the country is not in ISO 3166-1, or the part not in ISO 3166-2.
  ///   Lower case is not accepted: a file that says `ie` is corrected by its author, not guessed at.
  package init?(_ text: String) {
    let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    guard let country = parts.first, Self.countries.contains(String(country)) else { return nil }
    if parts.count == 2 {
      guard Self.parts[country]?.contains(parts[1]) ?? false else { return nil }
    }
    rawValue = text
  }

  /// A part that this country does not have: it stands for one that nobody names.
  package func inventedPart(_ code: InventedPart) -> Jurisdiction { Jurisdiction(country: "\(country)-\(code.rawValue)") }

  package enum InventedPart: String, Sendable, CaseIterable {
    case first = "ZZZ"
    case second = "ZZY"
  }

  /// Whether it stands for a part that nobody names.
  package var isInvented: Bool { InventedPart.allCases.contains { rawValue.hasSuffix("-\($0.rawValue)") } }

  /// One that was accepted once: of what is stored, signed or logged. Editions of ISO 3166-2 come and go, and a part that the present one
  /// does not have is still what somebody's record says.
  /// - Returns: `nil` where the country is not in ISO 3166-1, or the part is not of one to three letters and digits.
  package init?(recorded text: String) {
    if let known = Jurisdiction(text) {
      self = known
      return
    }
    let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, Self.countries.contains(String(parts[0])), (1...3).contains(parts[1].utf8.count),
      parts[1].utf8.allSatisfy({ (0x41...0x5a).contains($0) || (0x30...0x39).contains($0) })
    else { return nil }
    rawValue = text
  }

  private init(country: Substring) { rawValue = String(country) }

  /// The country that this is, or is a part of.
  package var country: Jurisdiction { Jurisdiction(country: rawValue.prefix(2)) }
  package var isSubdivision: Bool { rawValue.utf8.count > 2 }

  package var description: String { rawValue }
  package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  /// The officially assigned codes of ISO 3166-1 alpha-2.
  package static let countries: Set<String> = Set(
    """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ
    BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM
    DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS
    GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN
    KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ
    MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM
    PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV
    SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI
    VN VU WF WS YE YT ZA ZM ZW
    """.split(whereSeparator: \.isWhitespace).map(String.init))
}

/// What to write instead of a jurisdiction that is none.
package enum JurisdictionAdvice {
  /// Codes that people write and ISO 3166-1 does not assign to what they mean.
  private static let usual = ["UK": "GB", "EL": "GR", "USA": "US", "IND": "IN", "IRL": "IE", "GER": "DE", "DEU": "DE"]
  private static let groups: Set<String> = ["EU", "EEA", "APAC", "EMEA", "LATAM"]

  package static func help(for text: String) -> String {
    let upper = text.uppercased()
    if let code = usual[upper] { return "did you mean '\(code)'?" }
    if groups.contains(upper) {
      return "\(upper) is a group: write the country where the region stands, e.g. 'IE'; policies group countries in lists"
    }
    if Jurisdiction(upper) != nil { return "did you mean '\(upper)'?" }
    let parts = upper.split(separator: "-", maxSplits: 1)
    if parts.count == 2, let country = Jurisdiction(String(parts[0])) {
      let known = (Jurisdiction.parts[parts[0]] ?? []).map { "\(country)-\($0)" }.sorted()
      // Codes of two letters are all near to each other: only letters that changed places are a sign.
      if let part = known.first(where: { $0.sorted() == upper.sorted() }) {
        return "\(country) has no such part: did you mean '\(part)'?"
      }
      return known.isEmpty
        ? "\(country) has no parts" : "\(country) has no such part: it has \(known.prefix(12).joined(separator: ", "))"
    }
    return "write a country of ISO 3166-1 ('IE') or a part of one by ISO 3166-2 ('CA-QC')"
  }
}

import Residency
import Testing

struct VocabularyTests {
  @Test(arguments: ["eu-west", "a", "us-east-1", "z9", String(repeating: "a", count: 32)])
  func `a DNS label in lower case is a region's name`(text: String) {
    #expect(RegionID(text)?.rawValue == text)
  }

  @Test(arguments: [
    "", "EU-west", "1a", "-a", "a-", "a--b", "a_b", "a.b", "ä", "a b", "a/b", String(repeating: "a", count: 33), "eu-west\n",
  ])
  func `anything else is not a region's name`(text: String) {
    #expect(RegionID(text) == nil)
  }

  @Test func `no region has the ordinal 0, and none over 65535`() {
    #expect(RegionOrdinal(0) == nil)
    #expect(RegionOrdinal(-1) == nil)
    #expect(RegionOrdinal(65536) == nil)
    #expect(RegionOrdinal(1)?.rawValue == 1)
    #expect(RegionOrdinal(65535)?.rawValue == 65535)
  }

  @Test(arguments: ["IE", "US", "IN", "NO", "CA-QC", "US-CA", "FR-75", "GB-SCT"])
  func `a country of ISO 3166-1 or a part of one is a jurisdiction`(text: String) throws {
    let jurisdiction = try #require(Jurisdiction(text))
    #expect(jurisdiction.rawValue == text)
    #expect(jurisdiction.country.rawValue == String(text.prefix(2)))
    #expect(jurisdiction.isSubdivision == text.contains("-"))
  }

  @Test(arguments: ["", "UK", "EU", "ie", "XX", "IRL", "CA-", "CA-QCXX", "CA-qc", "CA QC", "-CA", "CA-Q-C", "I", "IE "])
  func `anything else is not a jurisdiction`(text: String) {
    #expect(Jurisdiction(text) == nil)
  }

  @Test(arguments: ["CA-QX", "US-XX", "DE-BV", "IE-ZZZ", "MC-XX"])
  func `a part that its country does not have is no jurisdiction`(text: String) {
    #expect(Jurisdiction(text) == nil)
    #expect(JurisdictionAdvice.help(for: text).contains("no such part"))
  }

  @Test func `what was recorded once is read back, whatever the present edition says`() {
    #expect(Jurisdiction(recorded: "FR-75C")?.rawValue == "FR-75C")
    #expect(Jurisdiction(recorded: "US-XX")?.country == Jurisdiction("US"))
    for text in ["XX", "US-", "US-ABCD", "us-ca", "US-C A", ""] { #expect(Jurisdiction(recorded: text) == nil, "\(text)") }
  }

  @Test func `letters that changed places are recognised, and other parts are listed`() {
    #expect(JurisdictionAdvice.help(for: "CA-CQ") == "CA has no such part: did you mean 'CA-QC'?")
    #expect(JurisdictionAdvice.help(for: "CA-XX").hasPrefix("CA has no such part: it has CA-AB, CA-BC,"))
  }

  @Test func `a part that stands for those that nobody names is no part that anybody could name`() throws {
    let country = try #require(Jurisdiction("CA"))
    for part in Jurisdiction.InventedPart.allCases.map(country.inventedPart) {
      #expect(part.isInvented && part.isSubdivision && part.country == country)
      #expect(Jurisdiction(part.rawValue) == nil)
    }
  }

  @Test func `ISO 3166-1 has 249 countries`() {
    #expect(Jurisdiction.countries.count == 249)
    #expect(Jurisdiction.countries.allSatisfy { Jurisdiction($0) != nil })
  }

  @Test func `a subject's id has 1 to 256 bytes without control characters`() {
    #expect(SubjectID("") == nil)
    #expect(SubjectID(String(repeating: "x", count: 257)) == nil)
    #expect(SubjectID(String(repeating: "é", count: 129)) == nil)
    #expect(SubjectID("a\nb") == nil)
    #expect(SubjectID("a\u{0}b") == nil)
    #expect(SubjectID(String(repeating: "é", count: 128)) != nil)
  }

  @Test func `printing a subject's id does not show it`() throws {
    let id = try #require(SubjectID("resident-eu"))
    #expect(!"\(id)".contains("resident"))
  }

  @Test func `a tag is exactly 16 bytes and prints as hexadecimal`() throws {
    let tag = try #require(SubjectTag(Array(0..<16)))
    #expect(tag.description == "000102030405060708090a0b0c0d0e0f")
    #expect(SubjectTag(hex: tag.description) == tag)
    #expect(SubjectTag(Array(0..<15)) == nil)
    #expect(SubjectTag(Array(0..<17)) == nil)
    #expect(SubjectTag(hex: "00") == nil)
  }

  @Test func `views go from the most to the least revealing`() {
    #expect(View.allCases == [.clear, .last4, .hash, .pseudonym, .drop])
    #expect(View.allCases == View.allCases.sorted())
    #expect(View.allCases.allSatisfy { View(name: $0.name) == $0 })
    #expect(View(name: "blur") == nil)
  }
}

struct HexadecimalTests {
  @Test func `every byte is written and read back`() {
    let bytes = [UInt8](0...255)
    #expect([UInt8](hex: bytes.hex) == bytes)
    #expect([UInt8](hex: bytes.hex.uppercased()) == bytes)
    #expect(([0x00, 0x0f, 0xf0] as [UInt8]).hex == "000ff0")
    #expect([UInt8](hex: "") == [])
  }

  @Test(arguments: ["0", "000", "0g", "0x00", " 00", "é0", "--"])
  func `what is not pairs of hexadecimal digits is refused`(text: String) {
    #expect([UInt8](hex: text) == nil)
  }
}

struct HybridTimestampTests {
  @Test func `time moves on even while the wall clock stands or goes back`() {
    let start = HybridTimestamp(milliseconds: 1000)
    #expect(start.advanced(wallClock: 1001) == HybridTimestamp(milliseconds: 1001))
    #expect(start.advanced(wallClock: 1000) == HybridTimestamp(milliseconds: 1000, counter: 1))
    #expect(start.advanced(wallClock: 5) > start)
  }

  @Test func `a full counter carries into the milliseconds`() {
    let full = HybridTimestamp(milliseconds: 1000, counter: .max)
    #expect(full.advanced(wallClock: 1000) == HybridTimestamp(milliseconds: 1001))
    #expect(full.advanced(wallClock: 1000) > full)
  }
}

struct NearestTests {
  private let words = ["contact", "profile", "health", "IE", "us-east", "eu-west"]

  @Test func `a word within two edits is found, whatever its case`() {
    #expect(nearest("contcat", in: words) == "contact")
    #expect(nearest("PROFILE", in: words) == "profile")
    #expect(nearest("ie", in: words) == "IE")
    #expect(nearest("us-eats", in: words) == "us-east")
  }

  @Test func `a word that is half something else is not guessed at`() {
    #expect(nearest("zebra", in: words) == nil)
    #expect(nearest("ab", in: words) == nil)
    #expect(nearest("", in: words) == nil)
    #expect(nearest("eu-west", in: []) == nil)
  }

  @Test func `the closest of several wins`() {
    #expect(nearest("health", in: ["wealth", "health"]) == "health")
    #expect(nearest("eu-wst", in: ["eu-east", "eu-west"]) == "eu-west")
  }
}

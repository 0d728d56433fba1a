import Residency
import Testing

/// The examples of RFC 8785 (JSON Canonicalization Scheme).
struct CanonicalJSONTests {
  @Test func `the example document of RFC 8785 has the bytes given there`() throws {
    let input = #"""
      {"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
       "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}
      """#
    let expected =
      #"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"#
      + #""string":"€$\u000f\nA'B\"\\\\\"/"}"#
    #expect(try JSONValue(parsing: input.utf8).canonicalText == expected)
  }

  @Test func `members stand in the order of their UTF-16 code units`() throws {
    let input = #"""
      {"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
       "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"}
      """#
    let names = try JSONValue(parsing: input.utf8).canonicalText.split(separator: "\"").filter { $0.contains(where: \.isLetter) }
    let values = names.filter { $0.count > 2 }.map(String.init)
    #expect(
      values == [
        "Carriage Return", "One", "Control", "Latin Small Letter O With Diaeresis", "Euro Sign", "Emoji: Grinning Face",
        "Hebrew Letter Dalet With Dagesh",
      ])
  }

  @Test(
    arguments: [
      (0x0000_0000_0000_0000, "0"), (0x8000_0000_0000_0000, "0"), (0x0000_0000_0000_0001, "5e-324"),
      (0x8000_0000_0000_0001, "-5e-324"), (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
      (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"), (0x4340_0000_0000_0000, "9007199254740992"),
      (0xc340_0000_0000_0000, "-9007199254740992"), (0x4430_0000_0000_0000, "295147905179352830000"),
      (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"), (0x44b5_2d02_c7e1_4af6, "1e+23"),
      (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"), (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
      (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"), (0x444b_1ae4_d6e2_ef50, "1e+21"),
      (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"), (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
      (0x41b3_de43_5555_5553, "333333333.3333332"), (0x41b3_de43_5555_5554, "333333333.33333325"),
      (0x41b3_de43_5555_5555, "333333333.3333333"), (0x41b3_de43_5555_5556, "333333333.3333334"),
      (0x41b3_de43_5555_5557, "333333333.33333343"), (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
      (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
    ] as [(UInt64, String)])
  func `a number is written as RFC 8785, appendix B, writes it`(bits: UInt64, text: String) {
    #expect(JSONValue.number(Double(bitPattern: bits)).canonicalText == text)
  }

  @Test func `a random document reads back as itself, and has the same bytes again`() throws {
    let seed = UInt64.random(in: .min ... .max)
    var randomness = SplitMix(seed: seed)
    for _ in 0..<300 {
      let document = JSONValue.random(using: &randomness, depth: 4)
      let bytes = document.canonicalBytes
      let again = try JSONValue(parsing: bytes)
      try #require(again == document, "seed \(seed)")
      try #require(again.canonicalBytes == bytes, "seed \(seed)")
    }
  }

  @Test(arguments: ["", "{", "{\"a\":1} 2", "[1 2]", "nul", "{'a':1}", "\"\u{1}\"", "\"\\ud800\"", "1e999"])
  func `what is not one JSON document is refused`(text: String) {
    #expect(throws: (any Error).self) { try JSONValue(parsing: text.utf8) }
  }

  @Test func `a document nested ten thousand deep is refused and nothing worse`() {
    let text = String(repeating: "[", count: 10_000) + String(repeating: "]", count: 10_000)
    #expect(throws: (any Error).self) { try JSONValue(parsing: text.utf8) }
  }

  @Test func `bytes that are not UTF-8 are refused`() {
    #expect(throws: (any Error).self) { try JSONValue(parsing: [0x22, 0xc3, 0x28, 0x22]) }
  }

  @Test func `a number is not taken for a boolean, nor a boolean for a number`() throws {
    #expect(try JSONValue(parsing: "[0,1,true,false]".utf8) == [.number(0), .number(1), .bool(true), .bool(false)])
  }
}

/// Steele, Lea and Flood's SplitMix64: the same seed gives the same documents.
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}

extension JSONValue {
  fileprivate static func random(using randomness: inout SplitMix, depth: Int) -> JSONValue {
    switch Int.random(in: 0..<(depth > 0 ? 6 : 4), using: &randomness) {
    case 0: return .null
    case 1: return .bool(.random(using: &randomness))
    case 2:
      let number = Double(bitPattern: randomness.next())
      // -0 is written as 0 and equals it; what is not finite has no JSON form.
      return .number(number.isFinite ? number : 0)
    case 3: return .string(randomText(using: &randomness))
    case 4:
      return .array((0..<Int.random(in: 0...4, using: &randomness)).map { _ in random(using: &randomness, depth: depth - 1) })
    default:
      var members: [String: JSONValue] = [:]
      for _ in 0..<Int.random(in: 0...4, using: &randomness) {
        members[randomText(using: &randomness)] = random(using: &randomness, depth: depth - 1)
      }
      return .object(members)
    }
  }

  private static func randomText(using randomness: inout SplitMix) -> String {
    var text = String.UnicodeScalarView()
    for _ in 0..<Int.random(in: 0...8, using: &randomness) {
      let limit: UInt32 = Bool.random(using: &randomness) ? 0x80 : 0x11_0000
      if let scalar = Unicode.Scalar(UInt32.random(in: 0..<limit, using: &randomness)) { text.append(scalar) }
    }
    return String(text)
  }
}

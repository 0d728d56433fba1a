import RegionStore
import Testing

struct LogSequenceNumberTests {
  @Test(arguments: [
    ("0/0", 0), ("16/B374D848", 0x16_b374_d848), ("ffffffff/FFFFFFFF", UInt64.max), ("1/00000001", 0x1_0000_0001),
  ])
  func `is read as PostgreSQL writes it`(text: String, value: UInt64) throws {
    #expect(LogSequenceNumber(text)?.rawValue == value)
  }

  @Test(arguments: [
    "", "/", "0", "0/", "/0", "0/0/0", "1 /0", "+1/0", "0/-1", "g/0", "0/G", "123456789/0", "0/123456789", "0x1/0", "１/0",
    "0/0\n",
  ])
  func `nothing else is`(text: String) { #expect(LogSequenceNumber(text) == nil) }

  @Test func `is printed as PostgreSQL prints it, and read back`() {
    var generator = SystemRandomNumberGenerator()
    let values =
      [0, 1, 0xffff_ffff, 0x1_0000_0000, .max] + (0..<1_000).map { _ in generator.next() as UInt64 >> (generator.next() % 64) }
    for value in values {
      let position = LogSequenceNumber(rawValue: value)
      #expect(LogSequenceNumber(position.description) == position)
    }
    #expect(LogSequenceNumber(rawValue: 0x16_b374_d848).description == "16/B374D848")
    #expect(LogSequenceNumber(rawValue: 0x1_0000_000a).description == "1/A")
  }

  @Test func `is ordered by its number, not by its text`() throws {
    #expect(try #require(LogSequenceNumber("9/0")) < #require(LogSequenceNumber("10/0")))
    #expect(try #require(LogSequenceNumber("1/FF")) < #require(LogSequenceNumber("1/100")))
    #expect(LogSequenceNumber.zero < LogSequenceNumber(rawValue: 1))
  }
}

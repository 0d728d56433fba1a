import Residency
import Testing

struct NetworkAddressTests {
  @Test func `host and port are taken apart`() throws {
    let plain = try #require(ListenAddress("127.0.0.1:7102"))
    #expect((plain.host, plain.port) == ("127.0.0.1", 7102))
    #expect(plain.isLoopback && !plain.isWildcard)
    let six = try #require(ListenAddress("[::1]:7102"))
    #expect((six.host, six.port) == ("::1", 7102))
    #expect(six.isLoopback)
    #expect(six.description == "[::1]:7102")
    #expect(ListenAddress("0.0.0.0:1")?.isWildcard == true)
    #expect(ListenAddress("[::]:1")?.isWildcard == true)
    #expect(ListenAddress("127.evil.example:1")?.isLoopback == false)
  }

  @Test(arguments: [
    "", "127.0.0.1", ":7102", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:+80", "127.0.0.1:8o", "::1:7102",
    "[::1]",
    "[::1]x:1", "[zz]:1", "256.0.0.1:1", "1.2.3:1", "01.2.3.4:1", "-a:1", "a-:1", "a..b:1", "a b:1", "host:1:2", "ü.de:1",
  ])
  func `what is not a host and a port is refused`(text: String) {
    #expect(ListenAddress(text) == nil)
  }

  @Test func `an origin has a host and the port of https where it names none`() throws {
    let origin = try HTTPSOrigin("https://EU-West.example.com")
    #expect((origin.host, origin.port) == ("eu-west.example.com", 443))
    #expect(origin.text == "https://EU-West.example.com")
    let six = try HTTPSOrigin("https://[2001:db8::1]:7102")
    #expect((six.host, six.port) == ("2001:db8::1", 7102))
  }

  @Test(arguments: [
    ("http://a", HTTPSOrigin.Flaw.notHTTPS), ("a:7102", .notHTTPS), ("HTTPS://a", .notHTTPS), ("https://u:p@a", .userInformation),
    ("https://a/", .path), ("https://a/b", .path), ("https://a?b", .path), ("https://a#b", .path), ("https://", .hostOrPort),
    ("https://a:0", .hostOrPort), ("https://a:99999", .hostOrPort), ("https://a b", .hostOrPort), ("https://:1", .hostOrPort),
  ])
  func `what is not an origin says why`(text: String, flaw: HTTPSOrigin.Flaw) {
    #expect(throws: flaw) { try HTTPSOrigin(text) }
  }

  @Test func `a connection string does not print its password`() throws {
    for text in ["postgresql://u:hunter2@h/d", "host=h password=hunter2"] {
      let connection = try #require(ConnectionString(text))
      var dumped = ""
      dump(connection, to: &dumped)
      for shown in ["\(connection)", String(reflecting: connection), dumped, "\([connection])"] {
        #expect(!shown.contains("hunter2"))
      }
      #expect(connection.text == text)
    }
  }

  @Test(arguments: ["", "eu-west", "mysql://h/d?a=b", "http://u:hunter2@h"])
  func `what is not for PostgreSQL is not a connection string`(text: String) {
    #expect(ConnectionString(text) == nil)
  }
}

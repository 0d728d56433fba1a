import NIOCore
import Testing

@testable import FaultLab

/// Messages of PostgreSQL's protocol, as bytes.
enum Wire {
  static let startup = untyped(196_608, "user\0domicile\0\0")
  static let sslRequest = untyped(80_877_103, "")

  static func untyped(_ code: Int32, _ text: String) -> ByteBuffer {
    var buffer = ByteBuffer(integer: Int32(8 + text.utf8.count))
    buffer.writeInteger(code)
    buffer.writeString(text)
    return buffer
  }

  static func message(_ type: Character, _ text: String) -> ByteBuffer {
    var buffer = ByteBuffer(string: String(type))
    buffer.writeInteger(Int32(4 + text.utf8.count))
    buffer.writeString(text)
    return buffer
  }

  static func joined(_ parts: ByteBuffer...) -> ByteBuffer {
    parts.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1) }
  }

  static func parse(_ name: String, _ sql: String) -> ByteBuffer { message("P", "\(name)\0\(sql)\0\0\0") }
  static func bind(_ name: String) -> ByteBuffer { message("B", "\0\(name)\0\0\0\0\0\0\0") }
  static func complete(_ tag: String) -> ByteBuffer { message("C", "\(tag)\0") }
}

@Suite struct CommitWatchTests {
  private func started() -> CommitWatch {
    var watch = CommitWatch()
    _ = watch.clientSent(Wire.startup)
    return watch
  }

  @Test func `a prepared commit is one when it is run, not when it is prepared`() {
    var watch = started()
    let prepared = watch.clientSent(Wire.joined(Wire.parse("commit", "COMMIT"), Wire.message("S", "")))
    #expect(!prepared)
    let other = watch.clientSent(Wire.joined(Wire.parse("put", "INSERT INTO record VALUES ($1)"), Wire.bind("put")))
    #expect(!other)
    let ran = watch.clientSent(Wire.joined(Wire.bind("put"), Wire.bind("commit"), Wire.message("S", "")))
    #expect(ran)
  }

  @Test(arguments: ["COMMIT", "commit;", " End "])
  func `a commit may be a query`(sql: String) {
    var watch = started()
    let commits = watch.clientSent(Wire.message("Q", "\(sql)\0"))
    #expect(commits)
  }

  @Test func `a statement that only speaks of commits is none`() {
    var watch = started()
    let commits = watch.clientSent(Wire.message("Q", "SET LOCAL synchronous_commit = on\0"))
    #expect(!commits)
  }

  @Test func `a client that asks for TLS first is followed all the same`() {
    var watch = CommitWatch()
    let commits = watch.clientSent(Wire.joined(Wire.sslRequest, Wire.startup, Wire.message("Q", "COMMIT\0")))
    #expect(commits)
  }

  @Test func `messages may come in any pieces`() {
    let bytes = Wire.joined(Wire.startup, Wire.parse("c", "COMMIT"), Wire.bind("c"))
    var watch = CommitWatch()
    let seen = bytes.readableBytesView.map { watch.clientSent(ByteBuffer(bytes: [$0])) }
    #expect(seen.count { $0 } == 1)
    #expect(seen.last == true, "with its last byte")
  }

  @Test func `the server's acknowledgement is told from its other answers`() {
    var watch = started()
    _ = watch.clientSent(Wire.joined(Wire.parse("c", "COMMIT"), Wire.bind("c")))
    let before = watch.serverSent(Wire.joined(Wire.complete("BEGIN"), Wire.complete("INSERT 0 1")))
    #expect(before == .none)
    let commit = watch.serverSent(Wire.complete("COMMIT"))
    #expect(commit == .acknowledged)
  }

  @Test func `a transaction that failed acknowledges nothing`() {
    var watch = started()
    _ = watch.clientSent(Wire.message("Q", "COMMIT\0"))
    let rolledBack = watch.serverSent(Wire.complete("ROLLBACK"))
    #expect(rolledBack == .failed)
    let error = watch.serverSent(Wire.message("E", "SERROR\0C40001\0\0"))
    #expect(error == .failed)
  }
}

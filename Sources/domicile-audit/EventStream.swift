import AuditTrail
import Foundation
import NIOCore
import NIOPosix
import Residency

/// Where a log's events go for another program: a file that is appended to, or a socket that somebody listens on.
enum EventSink {
  case file(FileHandle, name: String)
  case socket(any Channel, name: String)

  /// - Parameter place: a file's path, `-` for standard output, `unix:PATH`, or `tcp:HOST:PORT`.
  static func open(_ place: String) async throws -> EventSink {
    let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
    do {
      if place.hasPrefix("unix:") {
        return .socket(try await bootstrap.connect(unixDomainSocketPath: String(place.dropFirst(5))).get(), name: place)
      }
      if place.hasPrefix("tcp:") {
        let (host, port) = try address(place)
        return .socket(try await bootstrap.connect(host: host, port: port).get(), name: place)
      }
    } catch let failure as AuditFailure {
      throw failure
    } catch {
      throw AuditFailure(.incomplete, "\(place): nobody takes the events there")
    }
    guard place != "-" else { return .file(.standardOutput, name: place) }
    if !FileManager.default.fileExists(atPath: place) { try writeFile([], place) }
    guard let file = FileHandle(forWritingAtPath: place) else { throw AuditFailure(.incomplete, "\(place): cannot be written") }
    try file.seekToEnd()
    return .file(file, name: place)
  }

  private static func address(_ place: String) throws(AuditFailure) -> (host: String, port: Int) {
    let text = place.dropFirst("tcp:".count)
    guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]), (1...65_535).contains(port),
      colon > text.startIndex
    else { throw AuditFailure(.usage, "\(place) is not tcp:HOST:PORT") }
    return (text[..<colon].trimmingCharacters(in: ["[", "]"]), port)
  }

  /// Until all of it is with the file or the socket.
  func write(_ bytes: [UInt8]) async throws(AuditFailure) {
    do {
      switch self {
      case .file(let file, _): try file.write(contentsOf: Data(bytes))
      case .socket(let channel, _): try await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
      }
    } catch {
      throw AuditFailure(.incomplete, "\(name): cannot be written; the next run goes on where the cursor says")
    }
  }

  /// What was written will outlast this machine's stop, where it is in a file.
  func settle() throws(AuditFailure) {
    guard case .file(let file, let name) = self, name != "-" else { return }
    do { try file.synchronize() } catch { throw AuditFailure(.incomplete, "\(name): cannot be written") }
  }

  private var name: String {
    switch self {
    case .file(_, let name), .socket(_, let name): name
    }
  }
}

/// Gives a log's events to a sink, each at least once: after a stop it goes on where the cursor says, which is moved only once all before it
/// was written and verified.
struct EventStream {
  let target: LogTarget
  private static let byteCountAtOnce = 1 << 20
  /// A file; `nil`: from the start, and forgotten at the end.
  let cursor: String?
  private var prefix: VerifiedPrefix?
  /// Leaves that were written already.
  private var written = 0

  init(_ target: LogTarget, cursor: String?) throws {
    self.target = target
    self.cursor = cursor
    guard let cursor, FileManager.default.fileExists(atPath: cursor) else { return }
    do {
      let json = try JSONValue(parsing: try readFile(cursor, .usage))
      let kept = try VerifiedPrefix(json["verified"] ?? .null)
      _ = try target.trust.policy.verify(kept.note)
      prefix = kept
      written = kept.checkpoint.size
    } catch let error as AuditFailure {
      throw error
    } catch {
      throw AuditFailure(
        .usage, "\(cursor) is no cursor of this log (\(error)). Without it, everything is written again from the start.")
    }
  }

  /// Writes what is new: each event's canonical JSON, with the log and its index before it, a line each.
  mutating func round(_ sink: EventSink) async throws -> VerificationReport {
    let checkpoint = await target.fetchCheckpoint()
    let origin = checkpoint.origin?.description ?? target.name
    let first = written
    var lines: [UInt8] = []
    let report = try await target.verify(checkpoint, resuming: prefix, for: LeafInterest { $0.index >= first }) { tile in
      for leaf in tile.leaves {
        lines += Array("{\"log\":\(JSONValue.string(origin).canonicalText),\"index\":\(leaf.index),\"event\":".utf8)
        lines += try leaf.event.leafBytes() + [0x7d, 0x0a]
      }
      if lines.count > Self.byteCountAtOnce {
        try await sink.write(lines)
        lines.removeAll(keepingCapacity: true)
      }
    }
    try await sink.write(lines)
    guard let verified = report.verified, report.isWhole else { return report }
    try sink.settle()
    prefix = verified
    written = verified.checkpoint.size
    if let cursor { try writeFile((["verified": verified.json] as JSONValue).canonicalBytes, cursor) }
    return report
  }
}

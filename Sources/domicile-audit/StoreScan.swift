import AuditReports
import AuditTrail
import Foundation
import Residency

/// Reads files for marks.
struct StoreScan {
  struct Mark {
    let home: String
    let bytes: [UInt8]
    /// In the file of marks: what is printed in the text's place, which is somebody's data.
    let line: Int
  }

  static let markByteCountMin = 6
  private static let foundMax = 100
  private static let blockByteCount = 1 << 20

  private let marks: [Mark]
  /// By their first two bytes.
  private let byStart: [UInt16: [Int]]
  private let isStart: [Bool]
  private(set) var result: ScanResult

  init(region: String, path: String, marks: [Mark]) throws(AuditFailure) {
    guard FileManager.default.fileExists(atPath: path) else {
      throw AuditFailure(.incomplete, "\(path): there is no such file or folder")
    }
    self.marks = marks
    byStart = Dictionary(grouping: marks.indices) { UInt16(marks[$0].bytes[0]) << 8 | UInt16(marks[$0].bytes[1]) }
    var isStart = [Bool](repeating: false, count: 1 << 16)
    for start in byStart.keys { isStart[Int(start)] = true }
    self.isStart = isStart
    result = ScanResult(
      region: region, path: path, fileCount: 0, byteCount: 0, soughtCount: marks.count, found: [], foundLeftOut: 0)
  }

  mutating func run() {
    // The one that is named may be a link; those in it are told, and not followed.
    let type = (try? FileManager.default.attributesOfItem(atPath: result.path))?[.type] as? FileAttributeType
    look(into: type == .typeSymbolicLink ? URL(filePath: result.path).resolvingSymlinksInPath().path : result.path)
  }

  private mutating func look(into path: String) {
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    switch attributes?[.type] as? FileAttributeType {
    case .typeRegular: read(path)
    case .typeDirectory:
      guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else { return skip(path, .unreadable) }
      for name in names.sorted() { look(into: "\(path)/\(name)") }
    case .typeSymbolicLink: skip(path, .link)
    case nil: skip(path, .unreadable)
    default: skip(path, .special)
    }
  }

  private mutating func read(_ path: String) {
    guard let file = FileHandle(forReadingAtPath: path) else { return skip(path, .unreadable) }
    defer { try? file.close() }
    let overlap = (marks.map(\.bytes.count).max() ?? 1) - 1
    var rest: [UInt8] = []
    var offset = 0
    while true {
      guard let block = next(of: file, at: path) else { return }
      if block.isEmpty { break }
      if offset == 0, rest.isEmpty, Self.isCompressed(block) { skip(path, .compressed) }
      let bytes = rest + block
      look(bytes, from: path, at: offset, isNew: rest.count)
      result.byteCount += block.count
      rest = Array(bytes.suffix(overlap))
      offset += bytes.count - rest.count
    }
    result.fileCount += 1
  }

  /// - Returns: `nil` where the file cannot be read on, which is said: what was not read was not looked into.
  private mutating func next(of file: FileHandle, at path: String) -> Data? {
    do {
      return try file.read(upToCount: Self.blockByteCount) ?? Data()
    } catch {
      skip(path, .unreadable)
      return nil
    }
  }

  /// - Parameter isNew: how many bytes at the start were looked at before, with what came before them.
  private mutating func look(_ bytes: [UInt8], from path: String, at offset: Int, isNew known: Int) {
    guard bytes.count >= 2 else { return }
    for position in 0..<bytes.count - 1 {
      let start = UInt16(bytes[position]) << 8 | UInt16(bytes[position + 1])
      guard isStart[Int(start)] else { continue }
      for index in byStart[start] ?? [] {
        let mark = marks[index]
        let end = position + mark.bytes.count
        guard end <= bytes.count, end > known, bytes[position..<end].elementsEqual(mark.bytes) else { continue }
        if result.found.count < Self.foundMax {
          result.found.append(
            "\(path), byte \(offset + position): the mark of line \(mark.line), of somebody at home in \(mark.home)")
        } else {
          result.foundLeftOut += 1
        }
      }
    }
  }

  private mutating func skip(_ path: String, _ reason: ScanResult.Skipped.Reason) {
    result.notLookedInto.append(ScanResult.Skipped(path: path, reason: reason))
  }

  /// By the first bytes of gzip, zstd, lz4, xz and bzip2.
  private static func isCompressed(_ data: Data) -> Bool {
    let starts: [[UInt8]] = [
      [0x1f, 0x8b], [0x28, 0xb5, 0x2f, 0xfd], [0x04, 0x22, 0x4d, 0x18], [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], [0x42, 0x5a, 0x68],
    ]
    return starts.contains { data.starts(with: $0) }
  }
}

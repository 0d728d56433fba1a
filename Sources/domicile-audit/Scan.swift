import ArgumentParser
import AuditReports
import AuditTrail
import Foundation
import Residency

struct Scan: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Look through a region's stores, archives and backups for data of people who are at home elsewhere.",
    discussion: """
      The marks say what to look for, a line each: the home region, a tab, and a text that belongs to a person there: an address, a name, \
      better a mark that was planted in a record for this. Every file below the paths is read byte by byte: data folders, archived WAL, \
      backups, logs. What is compressed cannot be looked into, and is named. Exit status 5 where something was found.
      """)

  @Option(help: ArgumentHelp("Whose stores these are.", valueName: "region"))
  var region: String

  @Option(help: ArgumentHelp("What to look for: HOME<tab>TEXT, a line each.", valueName: "file"))
  var marks: String

  @Argument(help: ArgumentHelp("Files and folders.", valueName: "path"))
  var paths: [String]

  @Flag(help: "Print JSON, for 'domicile-audit report --framework residency --scan FILE'.")
  var json = false

  func validate() throws {
    guard RegionID(region) != nil else { throw ValidationError("'\(region)' is no name of a region.") }
  }

  func run() throws {
    let marks = try readMarks()
    let foreign = marks.filter { $0.home != region }
    guard !foreign.isEmpty else {
      throw AuditFailure(.usage, "\(self.marks): every mark is of \(region) itself; there is nothing to look for")
    }
    var scans: [ScanResult] = []
    var notLookedInto: [String] = []
    for path in paths {
      var scan = try StoreScan(region: region, path: path, marks: foreign)
      try scan.run()
      scans.append(scan.result)
      notLookedInto += scan.notLookedInto
    }
    show(scans, notLookedInto, ownCount: marks.count - foreign.count)
    guard scans.allSatisfy(\.violations.isEmpty) else { throw ExitCode(AuditExit.violations.rawValue) }
    let unread = notLookedInto.filter { $0.contains(": cannot be read") }
    if let first = unread.first {
      throw AuditFailure(.incomplete, "\(unread.count) could not be read, the first: \(first)")
    }
    if scans.allSatisfy({ $0.fileCount == 0 }) { throw AuditFailure(.incomplete, "there is no file below these paths") }
  }

  private func show(_ scans: [ScanResult], _ notLookedInto: [String], ownCount: Int) {
    guard !json else {
      let all: JSONValue = ["scans": .array(scans.map(\.json)), "not_looked_into": .array(notLookedInto.map { .string($0) })]
      return print(all.canonicalText)
    }
    for scan in scans {
      print(
        Terminal.harmless(
          "\(scan.path): \(scan.fileCount) files, \(scan.byteCount) bytes, \(scan.soughtCount) marks of people at home elsewhere: "
            + (scan.violations.isEmpty ? "none found" : "\(scan.violations.count) found")))
      for violation in scan.violations { print(Terminal.harmless("  found: \(violation)")) }
    }
    for file in notLookedInto { print(Terminal.harmless("not looked into: \(file)")) }
    if ownCount > 0 { print("not looked for: \(ownCount) marks of \(region)'s own people") }
    print("not checked: data in another form than these texts have, such as under encryption")
  }

  private func readMarks() throws -> [StoreScan.Mark] {
    let text = String(decoding: try readFile(marks, .usage), as: UTF8.self)
    var found: [StoreScan.Mark] = []
    for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() where !line.isEmpty {
      let parts = line.split(separator: "\t", maxSplits: 1)
      guard parts.count == 2, RegionID(String(parts[0])) != nil, parts[1].utf8.count >= StoreScan.markByteCountMin else {
        throw AuditFailure(
          .usage, "\(marks), line \(number + 1): not a region, a tab and a text of at least \(StoreScan.markByteCountMin) bytes")
      }
      found.append(StoreScan.Mark(home: String(parts[0]), bytes: Array(parts[1].utf8), line: number + 1))
    }
    return found
  }
}

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
  private(set) var notLookedInto: [String] = []

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

  mutating func run() throws {
    var isFolder: ObjCBool = false
    _ = FileManager.default.fileExists(atPath: result.path, isDirectory: &isFolder)
    guard isFolder.boolValue else { return read(result.path) }
    guard let files = FileManager.default.enumerator(atPath: result.path) else {
      throw AuditFailure(.incomplete, "\(result.path): cannot be read")
    }
    for case let name as String in files {
      let path = "\(result.path)/\(name)"
      let type = (try? FileManager.default.attributesOfItem(atPath: path))?[.type] as? FileAttributeType
      switch type {
      case .typeRegular: read(path)
      case .typeDirectory: continue
      case .typeSymbolicLink: notLookedInto.append("\(path): a link")
      default: notLookedInto.append("\(path): neither file nor folder")
      }
    }
  }

  private mutating func read(_ path: String) {
    guard let file = FileHandle(forReadingAtPath: path) else { return notLookedInto.append("\(path): cannot be read") }
    defer { try? file.close() }
    let overlap = (marks.map(\.bytes.count).max() ?? 1) - 1
    var rest: [UInt8] = []
    var offset = 0
    while let block = next(of: file, at: path), !block.isEmpty {
      if offset == 0, rest.isEmpty, let kind = Self.compression(of: block) {
        notLookedInto.append("\(path): compressed (\(kind))")
      }
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
      notLookedInto.append("\(path): cannot be read to its end")
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

  private static func compression(of data: Data) -> String? {
    let start = [UInt8](data.prefix(6))
    func begins(_ bytes: [UInt8]) -> Bool { start.starts(with: bytes) }
    if begins([0x1f, 0x8b]) { return "gzip" }
    if begins([0x28, 0xb5, 0x2f, 0xfd]) { return "zstd" }
    if begins([0x04, 0x22, 0x4d, 0x18]) { return "lz4" }
    if begins([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]) { return "xz" }
    if begins([0x42, 0x5a, 0x68]) { return "bzip2" }
    return nil
  }
}

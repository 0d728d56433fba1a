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
    for path in paths {
      var scan = try StoreScan(region: region, path: path, marks: foreign)
      scan.run()
      scans.append(scan.result)
    }
    show(scans, ownCount: marks.count - foreign.count)
    guard scans.allSatisfy(\.violations.isEmpty) else { throw ExitCode(AuditExit.violations.rawValue) }
    let unread = scans.flatMap(\.notLookedInto).filter { $0.reason == .unreadable }
    if let first = unread.first {
      throw AuditFailure(.incomplete, "\(unread.count) could not be read, or not to the end, the first: \(first.path)")
    }
    if let empty = scans.first(where: { $0.fileCount == 0 }) {
      throw AuditFailure(.incomplete, "\(empty.path): there is no file that could be looked into")
    }
  }

  private func show(_ scans: [ScanResult], ownCount: Int) {
    guard !json else {
      let all: JSONValue = ["scans": .array(scans.map(\.json))]
      return print(all.canonicalText)
    }
    for scan in scans {
      print(
        Terminal.harmless(
          "\(scan.path): \(scan.fileCount) files, \(scan.byteCount) bytes, \(scan.soughtCount) marks of people at home elsewhere: "
            + (scan.violations.isEmpty ? "none found" : "\(scan.violations.count) found")))
      for violation in scan.violations { print(Terminal.harmless("  found: \(violation)")) }
    }
    for file in scans.flatMap(\.notLookedInto) { print(Terminal.harmless("not looked into: \(file.path): \(file.reason.words)")) }
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

extension ScanResult.Skipped.Reason {
  fileprivate var words: String {
    switch self {
    case .unreadable: "cannot be read, or not to its end"
    case .compressed: "compressed"
    case .link: "a link"
    case .special: "neither file nor folder"
    }
  }
}

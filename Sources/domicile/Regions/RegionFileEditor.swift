import ConfigurationFiles
import Foundation
import Residency

/// Changes a region's status in its file, and nothing else of it: comments and order stay.
enum RegionFileEditor {
  /// - Returns: `text` with that status.
  static func setting(_ status: RegionDescriptor.Status, in text: String) -> String {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let line = "status: \(status.rawValue)"
    if let index = lines.firstIndex(where: { $0.hasPrefix("status:") }) {
      let comment = lines[index].firstIndex(of: "#").map { "   " + lines[index][$0...] } ?? ""
      lines[index] = line + comment
    } else if let index = lines.firstIndex(where: { $0.hasPrefix("jurisdiction:") }) {
      lines.insert(line, at: index + 1)
    } else {
      lines.insert(line, at: lines.endIndex - (lines.last?.isEmpty == true ? 1 : 0))
    }
    return lines.joined(separator: "\n")
  }

  /// Writes the region's file with that status, once the catalog as a whole is right with it.
  /// - Returns: the file's path.
  /// - Throws: ``ConfigurationError``, or what writing throws; the file is then as it was.
  static func set(_ status: RegionDescriptor.Status, of region: RegionDescriptor, in folder: String) throws -> String {
    var files = try RegionFiles.read(folder)
    guard let index = files.firstIndex(where: { $0.path == region.source.file }) else {
      throw ConfigurationError([Diagnostic(at: region.source, "the file of \(region.id) is gone")])
    }
    files[index].text = setting(status, in: files[index].text)
    let catalog = try RegionCatalog.load(files, environment: ProcessInfo.processInfo.environment, stores: .none)
    guard catalog[region.id]?.status == status else {
      throw ConfigurationError([
        Diagnostic(
          at: region.source, "the status of \(region.id) cannot be changed by this command",
          help: "write '\("status: \(status.rawValue)")' into its file on a line of its own")
      ])
    }
    try files[index].text.write(toFile: files[index].path, atomically: true, encoding: .utf8)
    return files[index].path
  }
}

import Foundation
package import Residency

/// The region files of a folder, as text.
package enum RegionFiles {
  package static let defaultFolder = "regions"
  private static let byteCountMax = 1 << 20

  /// - Returns: every `*.yaml` and `*.yml` in `folder`, by name.
  /// - Throws: ``ConfigurationError`` where the folder or one of the files cannot be read.
  package static func read(_ folder: String) throws(ConfigurationError) -> [(path: String, text: String)] {
    var folder = folder
    while folder.count > 1, folder.hasSuffix("/") { folder.removeLast() }
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: folder)
    } catch {
      throw ConfigurationError([
        Diagnostic(
          at: SourceLocation(file: folder, line: 1, column: 1), "there is no folder of region files here",
          help: "name the folder that holds them, e.g. 'regions'")
      ])
    }
    var files: [(path: String, text: String)] = []
    var diagnostics: [Diagnostic] = []
    for name in names.sorted() where !name.hasPrefix(".") && (name.hasSuffix(".yaml") || name.hasSuffix(".yml")) {
      let path = "\(folder)/\(name)"
      let start = SourceLocation(file: path, line: 1, column: 1)
      guard let data = FileManager.default.contents(atPath: path) else {
        diagnostics.append(Diagnostic(at: start, "the file cannot be read"))
        continue
      }
      guard data.count <= byteCountMax, let text = String(bytes: data, encoding: .utf8) else {
        diagnostics.append(Diagnostic(at: start, "the file is not UTF-8 text of at most 1 MiB"))
        continue
      }
      files.append((path, text))
    }
    guard diagnostics.isEmpty else { throw ConfigurationError(diagnostics) }
    return files
  }

  /// The checked catalog of `folder`, with this process's environment.
  package static func catalog(_ folder: String, stores: RegionCatalog.StoresNeeded) throws(ConfigurationError) -> RegionCatalog {
    try RegionCatalog.load(try read(folder), environment: ProcessInfo.processInfo.environment, stores: stores)
  }
}

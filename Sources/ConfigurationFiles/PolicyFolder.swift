import Cryptography
import Foundation
package import PolicyEngine
package import Residency

/// The policy files of a folder, as text, and what they compile to.
package enum PolicyFolder {
  package static let defaultFolder = "policies"
  private static let byteCountMax = 1 << 20

  /// - Returns: every `*.yaml` and `*.yml` in `folder` and in its `lists`, tests included, by name.
  /// - Throws: ``ConfigurationError`` where the folder or one of the files cannot be read.
  package static func read(_ folder: String) throws(ConfigurationError) -> [PolicyFile] {
    var folder = folder
    while folder.count > 1, folder.hasSuffix("/") { folder.removeLast() }
    var names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: folder)
      let lists = "\(folder)/lists"
      if FileManager.default.fileExists(atPath: lists) {
        names += try FileManager.default.contentsOfDirectory(atPath: lists).map { "lists/\($0)" }
      }
    } catch {
      throw ConfigurationError([
        Diagnostic(
          at: SourceLocation(file: folder, line: 1, column: 1), "there is no folder of policy files here",
          help: "name the folder that holds vocabulary.yaml, e.g. 'policies'")
      ])
    }
    var files: [PolicyFile] = []
    var diagnostics: [Diagnostic] = []
    for name in names.sorted() where isPolicyFile(name) {
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
      files.append(PolicyFile(path: path, text: text))
    }
    guard diagnostics.isEmpty else { throw ConfigurationError(diagnostics) }
    guard !files.isEmpty else {
      throw ConfigurationError([
        Diagnostic(
          at: SourceLocation(file: folder, line: 1, column: 1), "there are no policy files in this folder",
          help: "name the folder that holds vocabulary.yaml, e.g. 'policies'")
      ])
    }
    return files
  }

  /// Where policies lie in leaves and answers, whatever the folder is called: where that is on a machine is nobody else's business.
  package static func readForRecords(_ folder: String) throws(ConfigurationError) -> [PolicyFile] {
    let files = try read(folder)
    let root = PolicySet.folder(of: files)
    return files.map { PolicyFile(path: "policies/\($0.path.dropFirst(root.count))", text: $0.text) }
  }

  private static func isPolicyFile(_ name: String) -> Bool {
    let isHidden = name.split(separator: "/").last?.hasPrefix(".") ?? true
    return !isHidden && (name.hasSuffix(".yaml") || name.hasSuffix(".yml"))
  }

  /// The compiled policies of `files` for a deployment's regions.
  package static func load(_ files: [PolicyFile], regions: [Place], today: CalendarDate) throws(ConfigurationError) -> PolicySet {
    try PolicySet.load(files, regions: regions, today: today, digest: SHA256.hash)
  }
}

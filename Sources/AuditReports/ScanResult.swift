package import AuditTrail
package import Residency

/// What a look through a region's stores, archives or backups came to.
package struct ScanResult: Hashable, Sendable {
  package var region: String
  package var path: String
  package var fileCount: Int
  package var byteCount: Int
  /// How many people were looked for that are at home elsewhere.
  package var soughtCount: Int
  /// Where something of them was found: a file and the position in it.
  package var found: [String]
  package var foundLeftOut: Int

  package init(
    region: String, path: String, fileCount: Int, byteCount: Int, soughtCount: Int, found: [String], foundLeftOut: Int
  ) {
    self.region = region
    self.path = path
    self.fileCount = fileCount
    self.byteCount = byteCount
    self.soughtCount = soughtCount
    self.found = found
    self.foundLeftOut = foundLeftOut
  }

  package var violations: [String] {
    found.map { "\(region): \($0)" } + (foundLeftOut > 0 ? ["\(region): and \(foundLeftOut) more"] : [])
  }

  var rows: [[String]] {
    [[region, path, String(fileCount), String(byteCount), String(soughtCount), String(found.count + foundLeftOut)]]
  }

  package var json: JSONValue {
    [
      "region": .string(region), "path": .string(path), "files": .integer(fileCount), "bytes": .integer(byteCount),
      "sought": .integer(soughtCount), "found": .array(found.map { .string($0) }), "found_left_out": .integer(foundLeftOut),
    ]
  }

  /// - Returns: `nil` for anything that ``json`` does not give.
  package init?(_ json: JSONValue) {
    func count(_ key: String) -> Int? { json[key]?.numberValue.flatMap { Int(exactly: $0) } }
    guard let region = json["region"]?.stringValue, let path = json["path"]?.stringValue, let files = count("files"),
      let bytes = count("bytes"), let sought = count("sought"), let found = json["found"]?.arrayValue?.compactMap(\.stringValue),
      let leftOut = count("found_left_out")
    else { return nil }
    self.init(
      region: region, path: path, fileCount: files, byteCount: bytes, soughtCount: sought, found: found, foundLeftOut: leftOut)
  }
}

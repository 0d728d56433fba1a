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
  /// What a scan says nothing about: files, each with the reason.
  package var notLookedInto: [Skipped] = []

  /// A file that was not looked into.
  package struct Skipped: Hashable, Sendable {
    package enum Reason: String, Hashable, Sendable, CaseIterable {
      /// It could not be read, or not to its end: the scan is not complete.
      case unreadable
      /// What is compressed does not show its bytes.
      case compressed
      case link
      /// A pipe, a socket, a device.
      case special
    }

    package var path: String
    package var reason: Reason

    package init(path: String, reason: Reason) {
      self.path = path
      self.reason = reason
    }
  }

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

  /// Whether something that should have been looked into was not.
  package var isIncomplete: Bool { notLookedInto.contains { $0.reason == .unreadable } }

  var row: [String] {
    [
      region, path, String(fileCount), String(byteCount), String(soughtCount), String(notLookedInto.count),
      String(found.count + foundLeftOut),
    ]
  }

  package var json: JSONValue {
    [
      "region": .string(region), "path": .string(path), "files": .integer(fileCount), "bytes": .integer(byteCount),
      "sought": .integer(soughtCount), "found": .array(found.map { .string($0) }), "found_left_out": .integer(foundLeftOut),
      "not_looked_into": .array(notLookedInto.map { ["path": .string($0.path), "reason": .string($0.reason.rawValue)] }),
    ]
  }

  /// - Returns: `nil` for anything that ``json`` does not give.
  package init?(_ json: JSONValue) {
    func count(_ key: String) -> Int? { json[key]?.numberValue.flatMap { Int(exactly: $0) } }
    guard let region = json["region"]?.stringValue, let path = json["path"]?.stringValue, let files = count("files"),
      let bytes = count("bytes"), let sought = count("sought"), let found = json["found"]?.arrayValue?.compactMap(\.stringValue),
      let leftOut = count("found_left_out"), let skipped = json["not_looked_into"]?.arrayValue?.map({ Skipped($0) }),
      !skipped.contains(nil)
    else { return nil }
    self.init(
      region: region, path: path, fileCount: files, byteCount: bytes, soughtCount: sought, found: found, foundLeftOut: leftOut)
    notLookedInto = skipped.compactMap { $0 }
  }
}

extension ScanResult.Skipped {
  fileprivate init?(_ json: JSONValue) {
    guard let path = json["path"]?.stringValue, let reason = json["reason"]?.stringValue.flatMap({ Reason(rawValue: $0) }) else {
      return nil
    }
    self.init(path: path, reason: reason)
  }
}

import Residency

/// A residence as the bytes that are sealed: read with every fact about a subject, so it is short. Country, subdivision and citizenship
/// in a line each; the third line is missing where the citizenship is not known.
enum ResidenceForm {
  static func encode(_ residence: Residence) -> [UInt8] {
    var lines = [residence.country.rawValue, residence.subdivision?.rawValue ?? ""]
    if let citizenship = residence.citizenship { lines.append(citizenship.map(\.rawValue).sorted().joined(separator: ",")) }
    return Array(lines.joined(separator: "\n").utf8)
  }

  /// - Throws: `StoreError.corrupt` for what ``encode(_:)`` does not make, and is not the JSON that earlier versions made.
  static func decode(_ bytes: [UInt8]) throws -> Residence {
    if bytes.first == UInt8(ascii: "{") { return try decodeJSON(bytes) }
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    guard (2...3).contains(lines.count), let country = Jurisdiction(recorded: lines[0]) else { throw unreadable }
    let subdivision = lines[1].isEmpty ? nil : try jurisdiction(lines[1])
    guard lines.count == 3 else { return Residence(country: country, subdivision: subdivision, citizenship: nil) }
    let citizenship = try lines[2].split(separator: ",").map { try jurisdiction(String($0)) }
    return Residence(country: country, subdivision: subdivision, citizenship: Set(citizenship))
  }

  private static var unreadable: StoreError { .corrupt(what: "a residence") }

  private static func jurisdiction(_ text: String) throws -> Jurisdiction {
    guard let jurisdiction = Jurisdiction(recorded: text) else { throw unreadable }
    return jurisdiction
  }

  private static func decodeJSON(_ bytes: [UInt8]) throws -> Residence {
    let value = try JSONValue(parsing: bytes)
    func place(_ value: JSONValue) throws -> Jurisdiction {
      guard let text = value.stringValue else { throw unreadable }
      return try jurisdiction(text)
    }
    guard let country = value["country"] else { throw unreadable }
    let citizenship = try value["citizenship"]?.arrayValue.map { Set(try $0.map(place)) }
    return Residence(
      country: try place(country), subdivision: try value["subdivision"].flatMap { $0 == .null ? nil : try place($0) },
      citizenship: citizenship)
  }
}

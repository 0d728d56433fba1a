/// Why a text with variables could not be filled in.
enum VariableError: Error, Equatable {
  /// These are not set and have no default, in order of appearance.
  case unset([String])
  /// A `${` without `}`, or with something between that is not a name.
  case malformed
}

/// `text` with each `${NAME}` replaced by that variable, and each `${NAME:-default}` by the variable or, where it is unset or
/// empty, by the default. What a variable holds is not expanded again; a `$` without `{` is an ordinary character.
func expandingVariables(in text: String, from environment: [String: String]) throws(VariableError) -> String {
  var out = ""
  var unset: [String] = []
  var rest = text[...]
  while let open = rest.firstRange(of: "${") {
    out += rest[..<open.lowerBound]
    guard let close = rest[open.upperBound...].firstIndex(of: "}") else { throw .malformed }
    let inside = rest[open.upperBound..<close]
    let separator = inside.firstRange(of: ":-")
    let name = String(inside[..<(separator?.lowerBound ?? inside.endIndex)])
    guard isVariableName(name) else { throw .malformed }
    let value = environment[name].flatMap { $0.isEmpty ? nil : $0 }
    if let value {
      out += value
    } else if let separator {
      out += inside[separator.upperBound...]
    } else {
      unset.append(name)
    }
    rest = rest[rest.index(after: close)...]
  }
  guard unset.isEmpty else { throw .unset(unset) }
  return out + rest
}

private func isVariableName(_ name: String) -> Bool {
  guard let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
  return name.utf8.allSatisfy { byte in
    (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x5f
  }
}

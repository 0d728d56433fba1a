/// Something that must hold of any bytes whatever, and did not of these.
package struct BrokenClaim: Error, CustomStringConvertible {
  package let description: String

  init(_ description: String) { self.description = description }
}

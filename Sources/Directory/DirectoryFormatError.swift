/// Why bytes are not an entry, a version vector or a coverage.
package enum DirectoryFormatError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The bytes end before the form does.
  case truncated(needed: Int, found: Int)
  /// Bytes follow where the form ends.
  case trailingBytes(Int)
  /// Written by a newer program: nothing is wrong with the bytes, this program cannot read them.
  case unknownVersion(UInt8)
  case unknownKind(UInt8)
  case unknownState(UInt8)
  /// A field holds a value that it never has, such as region 0.
  case invalid(Field)
  /// The fields are each possible, but not together; or the log is not one that may hold them.
  case contradictory(Contradiction)
  /// Items that must ascend do not: there would be two forms for one value.
  case unordered

  package enum Field: String, Sendable { case region, incarnation, seq, birth, epoch, flags, name, value }

  package enum Contradiction: String, Sendable {
    /// A registration with an epoch other than 1, a coverage, a birth of its own, or another state than active.
    case registrationIsNotFirst
    /// A later write with epoch 1.
    case epochIsFirst
    case stateDoesNotFitKind
    /// Everything but a move is written by the region that is home after it.
    case writtenElsewhere
    /// A move to the region that writes it.
    case moveToSelf
    /// A coverage that names the entry's own birth.
    case coversItself
    /// A floor for a place that its own knowledge does not reach.
    case floorAboveItsKnowledge
    /// A version of a document whose writer had seen that very version, or what came after it in its log.
    case hasSeenItself
  }

  package var description: String {
    switch self {
    case .truncated(let needed, let found): "truncated: \(needed) bytes needed, \(found) found"
    case .trailingBytes(let count): "\(count) bytes too many"
    case .unknownVersion(let version): "unknown version \(version)"
    case .unknownKind(let kind): "unknown kind \(kind)"
    case .unknownState(let state): "unknown state \(state)"
    case .invalid(let field): "invalid \(field.rawValue)"
    case .contradictory(let contradiction): "contradictory: \(contradiction.rawValue)"
    case .unordered: "items out of order"
    }
  }
}

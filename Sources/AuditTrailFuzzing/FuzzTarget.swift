/// What is fed with bytes from strangers. Each has claims of its own: ``Fuzzing/check(_:_:)``.
package enum FuzzTarget: String, Hashable, Sendable, CaseIterable {
  // Whole logs take longest: first, so that others run beside them.
  case log
  case longLog = "long-log"
  // Parsers: they answer or throw, and what they read has one form.
  case note, checkpoint, key
  case signingKey = "signing-key"
  case trust, proof, request, answer, leaf, entries
  case hashTile = "hash-tile"
  case tilePath = "tile-path"
  case frontier, time
  // What an auditor kept, where somebody else got at it.
  case index, prefix
  // Verifiers: they never take one thing for another.
  case signed, proven, inclusion, consistency, witness
}

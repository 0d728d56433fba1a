/// One call as it goes over the wire.
package struct LoadCall: Sendable {
  /// Which method: `/domicile.v1.RecordService/GetRecord`.
  package let path: String
  package let body: [UInt8]
  /// How many records it is about: a batch counts as many.
  package let weight: Int
  /// What an answer that brought the records has at least. A batch is answered with 200 also where records were refused.
  package let answerBytesMin: Int

  package init(path: String, body: [UInt8], weight: Int = 1, answerBytesMin: Int = 0) {
    self.path = path
    self.body = body
    self.weight = weight
    self.answerBytesMin = answerBytesMin
  }
}

/// What the calls of one connection are, one after the other. A value: the same seed gives the same calls.
package protocol LoadScript: Sendable {
  mutating func next() -> LoadCall
}

/// How a call's body is encoded.
package enum LoadCodec: String, Sendable, CaseIterable {
  case proto, json

  var contentType: String { "application/\(rawValue)" }
}

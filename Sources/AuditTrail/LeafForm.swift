package import Cryptography
package import Residency

extension AuditEvent {
  /// What a leaf says of its one event. All else it may share with others.
  package struct Particulars: Sendable {
    package var time: UTCTime
    package var id: Name
    package var recordVersion: UInt64?
    package var request: RequestNumber?
    package var salt: Salt
    package var subject: AuditPseudonym?
    package var subjectEpoch: Epoch?

    /// What an event is called.
    package enum Name: Sendable {
      /// By the hexadecimal digits of bytes that were drawn for it.
      case digits([UInt8])
      case text(String)

      var text: String {
        switch self {
        case .digits(let bytes): bytes.hex
        case .text(let text): text
        }
      }
    }

    package init(time: UTCTime, id: Name, request: RequestNumber?, salt: Salt) {
      self.time = time
      self.id = id
      self.request = request
      self.salt = salt
    }
  }
}

/// A leaf's row with blanks for its particulars and its sealed details. Whoever records the same again and again, as every read of one
/// kind is, writes the rest once.
package struct LeafForm: Sendable {
  /// Members that are filled in, in the order of their places. None is the first of its object.
  enum Blank {
    case id, time, details, recordVersion, request, salt, subject

    var name: LeafWord {
      switch self {
      case .id: .uid
      case .time: .time
      case .details: .details
      case .recordVersion: .recordVersion
      case .request: .request
      case .salt: .salt
      case .subject: .subject
      }
    }
  }

  /// What stands before a blank, or behind the last.
  private struct Segment {
    let row: [UInt8]
    /// What the leaf has there; a failure where that is longer than any entry.
    let text: Result<[UInt8], FormatError>
  }

  private let segments: [Segment]
  private let blanks: [Blank]
  private let byteCount: Int

  init(_ writer: LeafWriter) {
    let places = writer.blanks.map(\.place)
    segments = zip([0] + places, places + [writer.place]).map { start, end in
      // The leaf has nothing where the form of its row stands.
      let members = Array(writer.bytes[max(start, 1)..<end])
      return Segment(
        row: Array(writer.bytes[start..<end]),
        text: Result { () throws(FormatError) in try LeafRow.text(ofMembers: members) })
    }
    blanks = writer.blanks.map(\.blank)
    byteCount = writer.place
  }

  /// - Parameter sealedDetails: `nil` where there are none.
  package func row(_ particulars: AuditEvent.Particulars, sealedDetails: [UInt8]?) -> LeafRow {
    filled(particulars, sealedDetails).row
  }

  /// The row and the hash of its leaf: what stands in all leaves of the form is not made of the row again.
  /// - Throws: ``FormatError`` where the leaf is longer than a log's entry may be (65,535 bytes).
  package func rowAndHash(
    _ particulars: AuditEvent.Particulars, sealedDetails: [UInt8]?
  ) throws(FormatError) -> (row: LeafRow, leafHash: SHA256Digest) {
    let (row, ends) = filled(particulars, sealedDetails)
    let hash = try LeafGathering.hash { (leaf) throws(FormatError) in
      try row.bytes.withUnsafeBufferPointer { (row) throws(FormatError) in
        var place = 0
        for (index, segment) in segments.enumerated() {
          try segment.text.get().withUnsafeBufferPointer { (text) throws(FormatError) in try leaf.add(text) }
          guard index < ends.count else { return }
          try leaf.add(LeafRowReader(members: UnsafeBufferPointer(rebasing: row[(place + segment.row.count)..<ends[index]])))
          place = ends[index]
        }
      }
    }
    return (row, hash)
  }

  /// - Returns: the row, and where the filling of each blank ends in it.
  private func filled(_ particulars: AuditEvent.Particulars, _ sealedDetails: [UInt8]?) -> (row: LeafRow, ends: [Int]) {
    // The particulars have about 150 bytes.
    var writer = LeafWriter(copying: segments[0].row, capacity: byteCount + 256 + (sealedDetails?.count ?? 0))
    var ends: [Int] = []
    ends.reserveCapacity(blanks.count)
    for (index, blank) in blanks.enumerated() {
      writer.fill(blank, particulars, sealedDetails)
      ends.append(writer.place)
      writer.copy(segments[index + 1].row)
    }
    return (LeafRow(bytes: writer.bytes), ends)
  }
}

extension LeafWriter {
  fileprivate mutating func fill(_ blank: LeafForm.Blank, _ particulars: AuditEvent.Particulars, _ sealedDetails: [UInt8]?) {
    let name = blank.name
    switch blank {
    case .id:
      switch particulars.id {
      case .digits(let bytes): digits(name, bytes)
      case .text(let text): string(name, text, digitsAfter: "")
      }
    case .time: integer(name, particulars.time.milliseconds)
    case .details: if let sealedDetails { base64(name, sealedDetails) }
    case .recordVersion: decimal(name, particulars.recordVersion)
    case .request:
      guard let request = particulars.request else { return }
      object(name) { out in
        out.string(.coordinator, request.coordinator)
        out.decimal(.number, request.number)
      }
    case .salt: base64(name, particulars.salt.bytes)
    case .subject:
      guard let subject = particulars.subject else { return }
      object(name) { out in
        out.decimal(.epoch, particulars.subjectEpoch?.rawValue)
        out.string(.period, subject.period.description)
        out.digits(.pseudonym, subject.code)
      }
    }
  }
}

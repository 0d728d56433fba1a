package import Residency

extension AuditEvent {
  /// What a leaf says of its one event. All else it may share with others.
  package struct Particulars: Sendable {
    package var time: UTCTime
    package var id: String
    package var recordVersion: UInt64?
    package var request: RequestNumber?
    package var salt: Salt
    package var subject: AuditPseudonym?
    package var subjectEpoch: Epoch?

    package init(time: UTCTime, id: String, request: RequestNumber?, salt: Salt) {
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
  enum Blank: CaseIterable {
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

  private let bytes: [UInt8]
  private let blanks: [(blank: Blank, place: Int)]

  init(_ writer: LeafWriter) {
    bytes = writer.bytes
    blanks = writer.blanks
  }

  /// - Parameter sealedDetails: `nil` where there are none.
  package func row(_ particulars: AuditEvent.Particulars, sealedDetails: [UInt8]?) -> LeafRow {
    // The particulars have about 150 bytes.
    var writer = LeafWriter(capacity: bytes.count + 256 + (sealedDetails?.count ?? 0))
    var copied = writer.place
    for (blank, place) in blanks {
      writer.copy(bytes[copied..<place])
      copied = place
      writer.fill(blank, particulars, sealedDetails)
    }
    writer.copy(bytes[copied...])
    return LeafRow(bytes: writer.bytes)
  }
}

extension LeafWriter {
  fileprivate mutating func fill(_ blank: LeafForm.Blank, _ particulars: AuditEvent.Particulars, _ sealedDetails: [UInt8]?) {
    let name = blank.name
    switch blank {
    case .id: string(name, particulars.id, digitsAfter: "")
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

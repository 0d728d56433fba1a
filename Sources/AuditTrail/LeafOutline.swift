package import Cryptography
package import Residency

/// What a log's tallies and an index need of a leaf: read in a tenth of the time that the whole ``AuditEvent`` takes.
package struct LeafOutline: Hashable, Sendable {
  /// In the log.
  package let index: Int
  package var time: UTCTime
  package var activity: AuditActivity
  package var effect: AuditEvent.Effect
  package var isMonitored: Bool
  package var principal: String?
  package var home: RegionID?
  package var requester: RegionID?
  package var subject: SHA256Digest?
  package var collection: CollectionName?
  package var recordVersion: UInt64?
  package var request: AuditEvent.RequestNumber?
  package var counterpart: AuditEvent.Counterpart?
  package var account: AuditEvent.Account?

  package init(_ event: AuditEvent, index: Int) {
    self.index = index
    time = event.time
    activity = event.activity
    effect = event.effect
    isMonitored = event.monitored != nil
    principal = event.principal
    home = event.home?.region
    requester = event.requester.region
    subject = event.subject?.code
    collection = event.collection
    recordVersion = event.recordVersion
    request = event.request
    counterpart = event.counterpart
    account = event.account
  }
}

extension LeafOutline {
  /// The outline of a leaf in the plain form that nearly all have.
  /// - Returns: `nil` says nothing of the leaf: only ``AuditEvent/init(leaf:)`` can say that it is none.
  package static func scanned(_ leaf: [UInt8], index: Int) -> LeafOutline? {
    leaf.withUnsafeBytes { bytes in LeafScan(bytes)?.outline(bytes, index: index) }
  }
}

/// Where the values of a leaf stand, for leaves in the plain form that nearly all have.
///
/// It accepts nothing that ``AuditEvent/init(leaf:)`` would not accept, and is many times as fast: it compares the bytes with what
/// ``AuditEvent/leafBytes()`` writes, in its order, and allocates nothing. A leaf that it does not accept says nothing yet.
struct LeafScan {
  private(set) var time: Int64 = 0
  private(set) var activity: AuditActivity = .read
  private var isAllowed = true
  private var isMonitored = false
  private var principal: Range<Int>?
  private var home: Range<Int>?
  private var requester: Range<Int>?
  private var subject: Range<Int>?
  private var collection: Range<Int>?
  private var recordVersion: UInt64?
  private var coordinator: Range<Int>?
  private var requestNumber: UInt64 = 0
  private var counterpart: (region: Range<Int>, index: UInt64?, hash: Range<Int>?)?

  init?(_ bytes: UnsafeRawBufferPointer) {
    guard var scanner = LeafScanner(bytes) else { return nil }
    guard read(&scanner, bytes), scanner.isAtEnd else { return nil }
  }

  /// What ``LeafTileReading`` tallies, where nothing more is wanted of the leaf.
  var request: (coordinator: Range<Int>, number: UInt64)? { coordinator.map { ($0, requestNumber) } }

  /// Whether there is more to tally: a coordinator's start or end, or what it says of its requests.
  var isOfCoordinator: Bool { activity == .start || activity == .stop || activity == .account }

  /// The leaf as one side of a transfer; `nil` where it is none.
  func transfer(_ bytes: UnsafeRawBufferPointer, index: Int, _ regions: inout RegionCache) -> TransferLeaf? {
    guard counterpart != nil || isForeign(bytes) else { return nil }
    var leaf = TransferLeaf(
      index: index, time: UTCTime(milliseconds: time), home: home.flatMap { regions.region(bytes, $0) },
      requester: requester.flatMap { regions.region(bytes, $0) }, isDisclosure: isAllowed && activity.isDisclosure)
    if let counterpart {
      guard let region = regions.region(bytes, counterpart.region) else { return nil }
      leaf.counterpart = AuditEvent.Counterpart(
        region: region, index: counterpart.index,
        leafHash: counterpart.hash.flatMap { SHA256Digest(hex: UnsafeRawBufferPointer(rebasing: bytes[$0])) })
    }
    return leaf
  }

  private func isForeign(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let home else { return false }
    guard let requester, home.count == requester.count else { return true }
    return !zip(home, requester).allSatisfy { bytes[$0] == bytes[$1] }
  }

  func outline(_ bytes: UnsafeRawBufferPointer, index: Int) -> LeafOutline? {
    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
    func digest(_ range: Range<Int>) -> SHA256Digest? { SHA256Digest(hex: UnsafeRawBufferPointer(rebasing: bytes[range])) }
    var outline = LeafOutline(
      index: index, time: UTCTime(milliseconds: time), activity: activity, effect: isAllowed ? .allowed : .denied,
      isMonitored: isMonitored)
    outline.principal = principal.map(text)
    outline.home = home.map(text).flatMap { RegionID($0) }
    outline.requester = requester.map(text).flatMap { RegionID($0) }
    outline.subject = subject.flatMap(digest)
    outline.collection = collection.map { CollectionName(text($0)) }
    outline.recordVersion = recordVersion
    outline.request = coordinator.map { AuditEvent.RequestNumber(coordinator: text($0), number: requestNumber) }
    if let counterpart {
      guard let region = RegionID(text(counterpart.region)) else { return nil }
      outline.counterpart = AuditEvent.Counterpart(
        region: region, index: counterpart.index, leafHash: counterpart.hash.flatMap(digest))
    }
    return outline
  }

  private mutating func read(_ scanner: inout LeafScanner, _ bytes: UnsafeRawBufferPointer) -> Bool {
    guard scanner.take(#"{"activity_id":"#), let activityID = scanner.integer(), scanner.take(#","activity_name":""#),
      let activityName = scanner.text(), scanner.take(#","actor":{"#)
    else { return false }
    if scanner.take(#""user":{"uid":""#) {
      guard let name = scanner.text(), scanner.take("}}") else { return false }
      principal = name
    } else if !scanner.take(#""app_name":"domicile"}"#) {
      return false
    }
    guard
      scanner.take(
        #","category_name":"Application Activity","category_uid":6,"class_name":"Datastore Activity","class_uid":6005,"database":{"name":"domicile","type_id":1}"#
      )
    else { return false }
    if scanner.take(#","dst_endpoint":"#) {
      guard let endpoint = Self.endpoint(&scanner, bytes) else { return false }
      home = endpoint.region
    }
    guard
      scanner.take(#","metadata":{"log_name":"audit","product":{"name":"Domicile","vendor_name":"Domicile"},"uid":""#),
      scanner.text() != nil, scanner.take(#","version":"1.3.0"},"severity":""#)
    else { return false }
    isAllowed = scanner.take(#"Informational","severity_id":1"#)
    guard isAllowed || scanner.take(#"Low","severity_id":2"#), scanner.take(#","src_endpoint":"#),
      let endpoint = Self.endpoint(&scanner, bytes),
      isAllowed ? scanner.take(#","status":"Success""#) : scanner.take(#","status":"Failure""#)
    else { return false }
    requester = endpoint.region
    if scanner.take(#","status_code":""#), scanner.text() == nil { return false }
    guard isAllowed ? scanner.take(#","status_id":1"#) : scanner.take(#","status_id":2"#) else { return false }
    if scanner.take(#","table":{"name":""#) {
      guard let name = scanner.text(), scanner.take("}") else { return false }
      collection = name
    }
    guard scanner.take(#","time":"#), let time = scanner.integer(), scanner.take(#","type_uid":"#),
      let typeID = scanner.integer(), typeID == 600_500 + activityID, scanner.take(#","unmapped":{"activity":""#)
    else { return false }
    let word = scanner.place
    guard let activity = scanner.activity(), Int64(activity.ocsfID) == activityID,
      isName(activityName, of: activity, word: word..<scanner.place - 1, scanner)
    else { return false }
    self.time = time
    self.activity = activity
    return readUnmapped(&scanner, bytes) && scanner.take("}}")
  }

  /// - Parameter word: where the activity's own word stands.
  private func isName(_ name: Range<Int>, of activity: AuditActivity, word: Range<Int>, _ scanner: LeafScanner) -> Bool {
    switch activity.ocsfID {
    case 1: scanner.isEqual(name, "Read")
    case 5: scanner.isEqual(name, "Write")
    case 6: scanner.isEqual(name, "Create")
    case 7: scanner.isEqual(name, "Delete")
    case 8: scanner.isEqual(name, "List")
    default: scanner.isEqual(name, word)
    }
  }

  private mutating func readUnmapped(_ scanner: inout LeafScanner, _ bytes: UnsafeRawBufferPointer) -> Bool {
    if scanner.take(#","agreement":{"id":""#) {
      guard scanner.text() != nil, scanner.take(#","reference":""#), scanner.text() != nil, scanner.take("}") else {
        return false
      }
    }
    if scanner.take(#","classes":["#) {
      repeat { guard scanner.take("\""), scanner.text() != nil else { return false } } while scanner.take(",")
      guard scanner.take("]") else { return false }
    }
    if scanner.take(#","counterpart":{"#), !readCounterpart(&scanner) { return false }
    if scanner.take(#","details":""#), !scanner.base64() { return false }
    if scanner.take(#","directory_version":""#), scanner.text() == nil { return false }
    if scanner.take(#","document":""#), scanner.text() == nil { return false }
    guard isAllowed ? scanner.take(#","effect":"allowed""#) : scanner.take(#","effect":"denied""#) else { return false }
    if scanner.take(#","facts":{"#), !scanner.facts() { return false }
    if scanner.take(#","hops":["#) {
      repeat {
        guard scanner.take(#"{"from":"#), scanner.recordedPlace(), scanner.take(#","to":"#), scanner.recordedPlace(),
          scanner.take("}")
        else { return false }
      } while scanner.take(",")
      guard scanner.take("]") else { return false }
    }
    if scanner.take(#","legal_basis":""#), scanner.text() == nil { return false }
    if scanner.take(#","monitored":{"effect":""#) {
      guard scanner.take("allowed\"") || scanner.take("denied\"") else { return false }
      if scanner.take(#","redactions":["#), !Self.redactions(&scanner) { return false }
      if scanner.take(#","rules":["#), !Self.rules(&scanner) { return false }
      guard scanner.take("}") else { return false }
      isMonitored = true
    }
    if scanner.take(#","operation":""#), scanner.text() == nil { return false }
    if scanner.take(#","policy_revision":""#), scanner.text() == nil { return false }
    if scanner.take(#","purpose":""#), scanner.text() == nil { return false }
    if scanner.take(#","record_version":""#) {
      guard let version = scanner.decimal() else { return false }
      recordVersion = version
    }
    if scanner.take(#","redactions":["#), !Self.redactions(&scanner) { return false }
    if scanner.take(#","request":{"coordinator":""#) {
      guard let name = scanner.text(), scanner.take(#","number":""#), let number = scanner.decimal(), scanner.take("}") else {
        return false
      }
      coordinator = name
      requestNumber = number
    }
    if scanner.take(#","rules":["#), !Self.rules(&scanner) { return false }
    if scanner.take(#","safeguard":""#), scanner.text() == nil { return false }
    guard scanner.take(#","salt":""#), scanner.base64(byteCount: AuditEvent.Salt.byteCount) else { return false }
    return scanner.take(#","subject":{"#) ? readSubject(&scanner, bytes) : true
  }

  private mutating func readCounterpart(_ scanner: inout LeafScanner) -> Bool {
    var index: UInt64?
    var hash: Range<Int>?
    if scanner.take(#""index":""#) {
      guard let number = scanner.decimal(), scanner.take(",") else { return false }
      index = number
    }
    if scanner.take(#""leaf_hash":""#) {
      guard let digest = scanner.digest(), scanner.take(",") else { return false }
      hash = digest
    }
    guard scanner.take(#""region":""#), let region = scanner.region(), scanner.take("}") else { return false }
    counterpart = (region, index, hash)
    return true
  }

  private mutating func readSubject(_ scanner: inout LeafScanner, _ bytes: UnsafeRawBufferPointer) -> Bool {
    if scanner.take(#""epoch":""#) {
      guard scanner.decimal() != nil, scanner.take(",") else { return false }
    }
    // Of this century; older ones are read the slow way.
    guard scanner.take(#""period":"20"#), let period = scanner.text(), period.count == 5, bytes[period.lowerBound + 2] == 0x2d,
      (0..<5).allSatisfy({ $0 == 2 || (0x30...0x39).contains(bytes[period.lowerBound + $0]) }),
      case let month = bytes[period.lowerBound + 3] &* 10 &+ bytes[period.lowerBound + 4] &- 16, (1...12).contains(month),
      scanner.take(#","pseudonym":""#), let code = scanner.digest(), scanner.take("}")
    else { return false }
    subject = code
    return true
  }

  private static func rules(_ scanner: inout LeafScanner) -> Bool {
    repeat {
      guard scanner.take(#"{"at":""#), scanner.text() != nil, scanner.take(#","id":""#), scanner.text() != nil, scanner.take("}")
      else { return false }
    } while scanner.take(",")
    return scanner.take("]")
  }

  private static func redactions(_ scanner: inout LeafScanner) -> Bool {
    repeat {
      guard scanner.take(#"{"field":""#), scanner.text() != nil, scanner.take(#","view":""#), view(&scanner), scanner.take("}")
      else { return false }
    } while scanner.take(",")
    return scanner.take("]")
  }

  private static func view(_ scanner: inout LeafScanner) -> Bool {
    scanner.take("clear\"") || scanner.take("last4\"") || scanner.take("hash\"") || scanner.take("pseudonym\"")
      || scanner.take("drop\"")
  }

  private struct Endpoint {
    var region: Range<Int>?
  }

  private static func endpoint(_ scanner: inout LeafScanner, _ bytes: UnsafeRawBufferPointer) -> Endpoint? {
    guard scanner.take("{") else { return nil }
    if scanner.take(#""location":{"country":""#) {
      guard let country = scanner.country() else { return nil }
      if scanner.take(#","region":""#) {
        guard let part = scanner.part(), bytes[country].elementsEqual(bytes[part].prefix(2)) else { return nil }
      }
      guard scanner.take("},") else { return nil }
    }
    guard scanner.take(#""svc_name":"domicile""#) else { return nil }
    var endpoint = Endpoint()
    if scanner.take(#","uid":""#) {
      guard let name = scanner.region() else { return nil }
      endpoint.region = name
    }
    return scanner.take("}") ? endpoint : nil
  }
}

extension LeafOutline {
  fileprivate init(index: Int, time: UTCTime, activity: AuditActivity, effect: AuditEvent.Effect, isMonitored: Bool) {
    self.index = index
    self.time = time
    self.activity = activity
    self.effect = effect
    self.isMonitored = isMonitored
  }
}

/// One side of a transfer.
struct TransferLeaf: Sendable {
  let index: Int
  let time: UTCTime
  let home: RegionID?
  let requester: RegionID?
  /// An allowed one.
  let isDisclosure: Bool
  var counterpart: AuditEvent.Counterpart?

  init(index: Int, time: UTCTime, home: RegionID?, requester: RegionID?, isDisclosure: Bool) {
    self.index = index
    self.time = time
    self.home = home
    self.requester = requester
    self.isDisclosure = isDisclosure
  }

  /// - Returns: `nil` where the leaf is no side of a transfer.
  init?(_ leaf: LeafOutline) {
    guard leaf.counterpart != nil || (leaf.home != nil && leaf.home != leaf.requester) else { return nil }
    self.init(
      index: leaf.index, time: leaf.time, home: leaf.home, requester: leaf.requester,
      isDisclosure: leaf.activity.isDisclosure && leaf.effect == .allowed)
    counterpart = leaf.counterpart
  }
}

/// The few regions that the leaves of a tile name.
struct RegionCache {
  private var known: [(bytes: [UInt8], region: RegionID)] = []

  mutating func region(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> RegionID? {
    for (name, region) in known where name.count == range.count {
      if zip(name, range).allSatisfy({ $0 == bytes[$1] }) { return region }
    }
    guard let region = RegionID(String(decoding: bytes[range], as: UTF8.self)) else { return nil }
    if known.count < 16 { known.append(([UInt8](bytes[range]), region)) }
    return region
  }
}

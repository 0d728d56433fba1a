/// What stands in leaves and never changes: whole members, and the names of the others. In a row of the store each is one byte, its raw
/// value. A new one goes to the end, and none is ever taken away or changed: rows that have it could not be read.
enum LeafWord: UInt8, CaseIterable {
  // Members.
  case eventClass = 0x80
  case product, ocsfVersion, informational
  case low, service, success, failure
  // Names.
  case activityID, activityName, actor, user, uid, appName
  case dstEndpoint, srcEndpoint, location, country, region
  case metadata
  case statusCode, statusID, table, name, time, typeUID, unmapped
  case account, failed, passed, through
  case activity, agreement, id, reference
  case classes, counterpart, index, leafHash
  case details, directoryVersion, document, effect
  case facts, action, citizenship, consent, fields, firstWrite, home, noFields, outdated
  case residence, subdivision, to, transferred, dataClass, people
  case hops, from, jurisdiction, legalBasis, monitored
  case operation, policyRevision, purpose, recordVersion
  case redactions, field, view
  case request, coordinator, number
  case rules, at, safeguard, salt
  case setup, catalog, logKey, witnessKey
  case subject, epoch, period, pseudonym

  /// The raw value of the first: outside ASCII, so that no byte of a row is a word and a letter.
  static let base: UInt8 = 0x80

  /// Of a name, with its quotation marks and the colon.
  var text: StaticString {
    switch self {
    case .eventClass:
      #"""
      "category_name":"Application Activity","category_uid":6,"class_name":"Datastore Activity","class_uid":6005,"database":{"name":"domicile","type_id":1}
      """#
    case .product: #""log_name":"audit","product":{"name":"Domicile","vendor_name":"Domicile"}"#
    case .ocsfVersion: #""version":"1.3.0""#
    case .informational: #""severity":"Informational","severity_id":1"#
    case .low: #""severity":"Low","severity_id":2"#
    case .service: #""svc_name":"domicile""#
    case .success: #""status":"Success""#
    case .failure: #""status":"Failure""#
    case .activityID: #""activity_id":"#
    case .activityName: #""activity_name":"#
    case .actor: #""actor":"#
    case .user: #""user":"#
    case .uid: #""uid":"#
    case .appName: #""app_name":"#
    case .dstEndpoint: #""dst_endpoint":"#
    case .srcEndpoint: #""src_endpoint":"#
    case .location: #""location":"#
    case .country: #""country":"#
    case .region: #""region":"#
    case .metadata: #""metadata":"#
    case .statusCode: #""status_code":"#
    case .statusID: #""status_id":"#
    case .table: #""table":"#
    case .name: #""name":"#
    case .time: #""time":"#
    case .typeUID: #""type_uid":"#
    case .unmapped: #""unmapped":"#
    case .account: #""account":"#
    case .failed: #""failed":"#
    case .passed: #""passed":"#
    case .through: #""through":"#
    case .activity: #""activity":"#
    case .agreement: #""agreement":"#
    case .id: #""id":"#
    case .reference: #""reference":"#
    case .classes: #""classes":"#
    case .counterpart: #""counterpart":"#
    case .index: #""index":"#
    case .leafHash: #""leaf_hash":"#
    case .details: #""details":"#
    case .directoryVersion: #""directory_version":"#
    case .document: #""document":"#
    case .effect: #""effect":"#
    case .facts: #""facts":"#
    case .action: #""action":"#
    case .citizenship: #""citizenship":"#
    case .consent: #""consent":"#
    case .fields: #""fields":"#
    case .firstWrite: #""first_write":"#
    case .home: #""home":"#
    case .noFields: #""no_fields":"#
    case .outdated: #""outdated":"#
    case .residence: #""residence":"#
    case .subdivision: #""subdivision":"#
    case .to: #""to":"#
    case .transferred: #""transferred":"#
    case .dataClass: #""class":"#
    case .people: #""people":"#
    case .hops: #""hops":"#
    case .from: #""from":"#
    case .jurisdiction: #""jurisdiction":"#
    case .legalBasis: #""legal_basis":"#
    case .monitored: #""monitored":"#
    case .operation: #""operation":"#
    case .policyRevision: #""policy_revision":"#
    case .purpose: #""purpose":"#
    case .recordVersion: #""record_version":"#
    case .redactions: #""redactions":"#
    case .field: #""field":"#
    case .view: #""view":"#
    case .request: #""request":"#
    case .coordinator: #""coordinator":"#
    case .number: #""number":"#
    case .rules: #""rules":"#
    case .at: #""at":"#
    case .safeguard: #""safeguard":"#
    case .salt: #""salt":"#
    case .setup: #""setup":"#
    case .catalog: #""catalog":"#
    case .logKey: #""log_key":"#
    case .witnessKey: #""witness_key":"#
    case .subject: #""subject":"#
    case .epoch: #""epoch":"#
    case .period: #""period":"#
    case .pseudonym: #""pseudonym":"#
    }
  }

  /// In the order of the raw values.
  static let texts = allCases.map(\.text)
}

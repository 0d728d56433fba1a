import DomicileAPI
import Foundation
import Residency
import SwiftProtobuf

extension Google_Protobuf_Timestamp {
  init(milliseconds: UInt64) {
    self.init(seconds: Int64(milliseconds / 1_000), nanos: Int32(milliseconds % 1_000) * 1_000_000)
  }
}

extension Google_Protobuf_Duration {
  init(milliseconds: UInt64) {
    self.init(seconds: Int64(milliseconds / 1_000), nanos: Int32(milliseconds % 1_000) * 1_000_000)
  }
}

extension JSONValue {
  init(_ value: Google_Protobuf_Struct) { self = .object(value.fields.mapValues(JSONValue.init)) }

  init(_ value: Google_Protobuf_Value) {
    switch value.kind {
    case .boolValue(let flag): self = .bool(flag)
    case .numberValue(let number): self = .number(number)
    case .stringValue(let text): self = .string(text)
    case .listValue(let list): self = .array(list.values.map(JSONValue.init))
    case .structValue(let members): self = JSONValue(members)
    case .nullValue, nil: self = .null
    }
  }
}

extension Google_Protobuf_Struct {
  /// What is not an object has no members to show.
  init(_ value: JSONValue) {
    self.init()
    guard case .object(let members) = value else { return }
    fields = members.mapValues(Google_Protobuf_Value.init)
  }
}

extension Google_Protobuf_Value {
  init(_ value: JSONValue) {
    self.init()
    switch value {
    case .null: nullValue = .nullValue
    case .bool(let flag): boolValue = flag
    case .number(let number): numberValue = number
    case .string(let text): stringValue = text
    case .array(let items): listValue = .with { $0.values = items.map(Google_Protobuf_Value.init) }
    case .object: structValue = Google_Protobuf_Struct(value)
    }
  }
}

extension Domicile_V1_RegisterSubjectResponse: ReceiptCarrying, EvidenceCarrying {}
extension Domicile_V1_GetSubjectResponse: ReceiptCarrying, EvidenceCarrying {
  mutating func attach(importReceipt: Domicile_V1_Receipt) { self.importReceipt = importReceipt }
}
extension Domicile_V1_SetConsentResponse: ReceiptCarrying, EvidenceCarrying {}
extension Domicile_V1_WithdrawConsentResponse: ReceiptCarrying, EvidenceCarrying {}
extension Domicile_V1_PutRecordResponse: ReceiptCarrying, EvidenceCarrying {}
extension Domicile_V1_GetRecordResponse: ReceiptCarrying, EvidenceCarrying {
  mutating func attach(importReceipt: Domicile_V1_Receipt) { self.importReceipt = importReceipt }
}
extension Domicile_V1_DeleteRecordResponse: ReceiptCarrying, EvidenceCarrying {}
extension Domicile_V1_ListRecordsResponse: ReceiptCarrying, EvidenceCarrying {
  mutating func attach(importReceipt: Domicile_V1_Receipt) { self.importReceipt = importReceipt }
}
extension Domicile_V1_SettleWriteResponse: ReceiptCarrying, EvidenceCarrying {}
extension Domicile_V1_CommitRecordsResponse: RecordedAnswer, EvidenceCarrying {
  var receiptOfHome: Domicile_V1_Receipt? { results.first { $0.hasReceipt }?.receipt }

  /// Those results have a place for a receipt that have a leaf: all but checks.
  mutating func attach(receipts: [Domicile_V1_Receipt]) {
    for (index, receipt) in zip(results.indices.filter { results[$0].hasReceipt }, receipts) {
      results[index].receipt = receipt
    }
  }
}
extension Domicile_V1_GetSubjectPseudonymsResponse: RecordedAnswer {
  var receiptOfHome: Domicile_V1_Receipt? { nil }
  mutating func attach(receipts: [Domicile_V1_Receipt]) {}
}

extension Domicile_V1_RegisterSubjectRequest: SubjectRequest {}
extension Domicile_V1_GetSubjectRequest: SubjectRequest {}
extension Domicile_V1_SetConsentRequest: SubjectRequest {}
extension Domicile_V1_WithdrawConsentRequest: SubjectRequest {}
extension Domicile_V1_PutRecordRequest: SubjectRequest {}
extension Domicile_V1_GetRecordRequest: SubjectRequest {}
extension Domicile_V1_DeleteRecordRequest: SubjectRequest {}
extension Domicile_V1_ListRecordsRequest: SubjectRequest {}
extension Domicile_V1_GetSubjectPseudonymsRequest: SubjectRequest {}
extension Domicile_V1_CommitRecordsRequest: SubjectRequest {}
extension Domicile_V1_SettleWriteRequest: SubjectRequest {}

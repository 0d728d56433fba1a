/// What is kept under a request key, as the bytes that are sealed: the request's hash and the answer; a single zero for a fence.
extension SettledRequest {
  static let fencedForm: [UInt8] = [0]

  static func form(_ answer: [UInt8], requestHash: [UInt8]) -> [UInt8] { requestHash + answer }

  /// - Parameters:
  ///   - leafIndex: Of the first leaf; the others follow it.
  ///   - leafHashes: Of all leaves, 32 bytes each.
  /// - Throws: `StoreError.corrupt`.
  init(_ form: [UInt8], leafIndex: UInt64, leafHashes: [UInt8]) throws(StoreError) {
    if form == Self.fencedForm {
      self = .fenced
      return
    }
    guard form.count >= 32, !leafHashes.isEmpty, leafHashes.count.isMultiple(of: 32) else {
      throw .corrupt(what: "a kept answer")
    }
    let receipts = stride(from: 0, to: leafHashes.count, by: 32).map { start in
      LeafReceipt(index: leafIndex + UInt64(start / 32), hash: Array(leafHashes[start..<start + 32]))
    }
    self = .answered(Array(form.dropFirst(32)), requestHash: Array(form.prefix(32)), receipts: receipts)
  }
}

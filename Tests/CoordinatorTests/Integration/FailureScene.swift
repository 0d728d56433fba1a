import ConnectRPC
import DomicileAPI
import DomicileTestKit
import FaultLab
import Foundation
import Residency
import SwiftProtobuf
import Synchronization
import Testing

/// Somebody at home in eu-west, and those who ask for their data, there and in us-east, while something fails.
final class FailureScene: Sendable {
  let world: World
  let subject = freshSubject()
  /// In the record, and nowhere else.
  private let marker = "marker-\(UUID().uuidString)"
  private let token: String
  private let kept = Mutex<[Receipt]>([])

  init(_ world: World) async throws {
    self.world = world
    token = try await world.deployment.token()
    let home = try await world.app(.euWest)
    try await home.register(subject)
    try await home.put(subject, ["name": .init(stringValue: marker)])
    try await eventually("both regions can read the record") { try await isOpen() }
  }

  /// The receipts of all that was released.
  var receipts: [Receipt] { kept.withLock { $0 } }

  /// Asks for the record. An answer that does not release it must hold nothing of it.
  func read(at region: RegionID, within timeout: Duration = .seconds(20)) async throws -> WireAnswer {
    let answer = try await world.post(
      region, "RecordService/GetRecord",
      json: #"{"subjectId":"\#(subject)","collection":"profile","key":"main","purpose":"support"}"#, token: token,
      headers: [("connect-timeout-ms", "\(Int(timeout / .milliseconds(1)))")])
    guard answer.status == 200 else {
      #expect(!answer.text.contains(marker))
      return answer
    }
    let json = try answer.json()
    #expect(json["record"]?["value"]?["name"]?.stringValue == marker)
    let receipts = try ["receipt", "importReceipt"].compactMap { try json[$0].map { try Receipt($0) } }
    #expect(!receipts.isEmpty, "released without a record: \(answer.text)")
    kept.withLock { $0 += receipts }
    return answer
  }

  /// Whether both regions release the record.
  func isOpen() async throws -> Bool {
    for region in [RegionID.euWest, .usEast] where try await read(at: region, within: .seconds(3)).status != 200 { return false }
    return true
  }

  /// Whether neither region releases the record, nor takes a change of it, because it cannot be recorded.
  /// - Parameter saying: what a caller who asks has to be told.
  func isClosed(saying: String? = nil) async throws -> Bool {
    for region in [RegionID.euWest, .usEast] {
      let answer = try await read(at: region, within: .seconds(3))
      guard answer.status == 503, try answer.reason() == "AUDIT_UNAVAILABLE", try answer.metadata("region") == "eu-west" else {
        return false
      }
      let message = try answer.json()["message"]?.stringValue ?? ""
      #expect(message.contains("Try again"), "\(message)")
      if let saying, !message.contains(saying) { return false }
    }
    return try await !isWritable()
  }

  private func isWritable() async throws -> Bool {
    do {
      try await world.app(.euWest).with(timeout: .seconds(3)).put(subject, "profile", "other", ["name": "x"])
      return true
    } catch let error as ConnectError {
      #expect(["AUDIT_UNAVAILABLE", "OUTCOME_UNKNOWN"].contains(error.reason), "\(error)")
      return error.reason != "AUDIT_UNAVAILABLE"
    }
  }

  /// What a region's coordinator has written about itself.
  func says(_ text: String, _ region: RegionID = .euWest) throws -> Bool {
    try String(contentsOfFile: world.deployment.regions.logFile(of: region), encoding: .utf8).contains(text)
  }
}

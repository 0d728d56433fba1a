import ConnectRPC
import DomicileAPI
import Residency
import SwiftProtobuf
import Testing

extension Integration {
  @Suite struct Records {
    @Test func `a record is written, read, listed and deleted at home`() async throws {
      let app = try await World.shared().app(.euWest)
      let subject = freshSubject()
      try await app.register(subject)
      let written = try await app.put(subject, ["name": "E. U. Resident", "email": "e@example.eu", "age": 41])
      #expect(written.version == 1)
      #expect(written.decision.effect == .permit)

      let read = try await app.get(subject)
      #expect(read.record.version == 1)
      #expect(read.record.value == ["name": "E. U. Resident", "email": "e@example.eu", "age": 41])
      #expect(read.evidence.readLevel == .linearizable)
      #expect(read.receipt.region == "eu-west")
      #expect(read.receipt.index > written.receipt.index)

      #expect(try await app.list(subject).records.map(\.key) == ["main"])
      try await app.delete(subject)
      let gone = try await refusal { try await app.get(subject) }
      #expect(gone.code == .notFound)
      #expect(gone.reason == "RECORD_UNKNOWN")
      #expect(try await app.list(subject).records.isEmpty)
    }
  }
}

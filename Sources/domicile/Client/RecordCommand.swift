import ArgumentParser
import DomicileAPI
import SwiftProtobuf

/// `domicile record …`
struct RecordCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "record", abstract: "Subjects' records.",
    subcommands: [Put.self, Get.self, List.self, Delete.self, Commit.self, Settle.self])

  struct Target: ParsableArguments {
    @Argument(help: "The app's own id of the person.")
    var subject: String

    @Argument(help: "The collection, e.g. profile.")
    var collection: String

    @Argument(help: "The record's key.")
    var key: String

    @Option(help: "Why.")
    var purpose = "service"
  }

  struct Put: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Write a record.")

    @OptionGroup var target: Target

    @Argument(help: "The record as a JSON object.")
    var value: String

    @Option(help: "The version that must be there; 0 for none.")
    var expectedVersion: UInt64?

    @OptionGroup var writing: WriteOptions

    @OptionGroup var api: APIOptions

    func validate() throws {
      do { _ = try Google_Protobuf_Struct(jsonString: value) } catch { throw ValidationError("The value is not a JSON object.") }
    }

    func run() async throws {
      let document = try Google_Protobuf_Struct(jsonString: value)
      let request = Domicile_V1_PutRecordRequest.with {
        $0.subjectID = target.subject
        $0.collection = target.collection
        $0.key = target.key
        $0.purpose = target.purpose
        $0.value = document
        $0.requestID = writing.id
        $0.writeConcern = writing.concern
        if let expectedVersion { $0.expectedVersion = expectedVersion }
      }
      let response: Domicile_V1_PutRecordResponse = try await writing.run(api, about: target.subject) {
        try await $0.call("RecordService/PutRecord", request)
      }
      try show(
        response, json: api.json,
        [
          "version \(response.version)", "  \(response.decision.line)", "  \(response.receipt.line)",
          "  \(response.evidence.line)",
        ])
    }
  }

  struct Get: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Read a record.")

    @OptionGroup var target: Target

    @Option(help: "Only this top-level field; may be given several times.")
    var field: [String] = []

    @OptionGroup var reading: ReadOptions

    @OptionGroup var api: APIOptions

    func run() async throws {
      let request = Domicile_V1_GetRecordRequest.with {
        $0.subjectID = target.subject
        $0.collection = target.collection
        $0.key = target.key
        $0.purpose = target.purpose
        $0.fields = field
        if let preference = reading.preference { $0.readPreference = preference }
      }
      let response: Domicile_V1_GetRecordResponse = try await api.run(about: target.subject) {
        try await $0.call("RecordService/GetRecord", request)
      }
      try show(
        response, json: api.json,
        [
          try response.record.value.jsonString(), "  version \(response.record.version)", "  \(response.decision.line)",
          "  \(response.receipt.line)", "  \(response.evidence.line)",
        ])
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List a subject's records of a collection.")

    @Argument(help: "The app's own id of the person.")
    var subject: String

    @Argument(help: "The collection, e.g. profile.")
    var collection: String

    @Option(help: "Why.")
    var purpose = "service"

    @Option(help: "Records a page: 1 to 1000.")
    var pageSize: UInt32 = 100

    @Option(help: "Where to go on: next_page_token of the page before.")
    var pageToken: String?

    @OptionGroup var reading: ReadOptions

    @OptionGroup var api: APIOptions

    func run() async throws {
      let request = Domicile_V1_ListRecordsRequest.with {
        $0.subjectID = subject
        $0.collection = collection
        $0.purpose = purpose
        $0.pageSize = pageSize
        $0.pageToken = pageToken ?? ""
        if let preference = reading.preference { $0.readPreference = preference }
      }
      let response: Domicile_V1_ListRecordsResponse = try await api.run(about: subject) {
        try await $0.call("RecordService/ListRecords", request)
      }
      var lines = try response.records.map { "\($0.key)\tversion \($0.version)\t\(try $0.value.jsonString())" }
      if lines.isEmpty { lines = ["no records"] }
      if !response.nextPageToken.isEmpty { lines.append("  more: --page-token \(response.nextPageToken)") }
      try show(response, json: api.json, lines + ["  \(response.decision.line)", "  \(response.receipt.line)"])
    }
  }

  struct Delete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Delete a record.")

    @OptionGroup var target: Target

    @Option(help: "The version that must be there.")
    var expectedVersion: UInt64?

    @OptionGroup var writing: WriteOptions

    @OptionGroup var api: APIOptions

    func run() async throws {
      let request = Domicile_V1_DeleteRecordRequest.with {
        $0.subjectID = target.subject
        $0.collection = target.collection
        $0.key = target.key
        $0.purpose = target.purpose
        $0.requestID = writing.id
        $0.writeConcern = writing.concern
        if let expectedVersion { $0.expectedVersion = expectedVersion }
      }
      let response: Domicile_V1_DeleteRecordResponse = try await writing.run(api, about: target.subject) {
        try await $0.call("RecordService/DeleteRecord", request)
      }
      try show(
        response, json: api.json,
        ["deleted", "  \(response.decision.line)", "  \(response.receipt.line)", "  \(response.evidence.line)"])
    }
  }
}

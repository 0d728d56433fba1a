import ArgumentParser
import DomicileAPI
import Foundation
import SwiftProtobuf

extension RecordCommand {
  struct Commit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Change several records of a subject: all of them, or none.",
      discussion: """
        The changes are a JSON list, or - for standard input:
          [{"collection":"orders","key":"7","put":{"number":"7"},"expectedVersion":"0"},
           {"collection":"orders","key":"6","delete":{}},
           {"collection":"profile","key":"main","check":{},"expectedVersion":"3"}]
        """)

    @Argument(help: "The app's own id of the person.")
    var subject: String

    @Argument(help: "The changes, 1 to 100, as a JSON list.")
    var changes: String

    @Option(help: "Why.")
    var purpose = "service"

    @OptionGroup var writing: WriteOptions

    @OptionGroup var api: APIOptions

    func run() async throws {
      let text: String
      if changes == "-" {
        text = String(decoding: try FileHandle.standardInput.readToEnd() ?? Data(), as: UTF8.self)
      } else {
        text = changes
      }
      var request = Domicile_V1_CommitRecordsRequest()
      do {
        request = try Domicile_V1_CommitRecordsRequest(jsonString: "{\"changes\":\(text)}")
      } catch {
        throw ValidationError("The changes are not a JSON list of changes: see 'domicile record commit --help'.")
      }
      request.subjectID = subject
      request.purpose = purpose
      request.requestID = writing.id
      request.writeConcern = writing.concern
      let response: Domicile_V1_CommitRecordsResponse = try await writing.run(api, about: subject) { [request] in
        try await $0.call("RecordService/CommitRecords", request)
      }
      let lines = response.results.map { result in
        "\(result.collection)/\(result.key)\tversion \(result.version), "
          + (result.hasReceipt ? result.receipt.line : "checked")
      }
      try show(response, json: api.json, lines + ["  \(response.evidence.line)"])
    }
  }

  struct Settle: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Find out whether a write took effect whose answer was lost. If it did not, it never will.",
      discussion: """
        For writes of the last 24 hours, with the token of who made them. Exit status 0: it did; 3: it did not, and never will.
        """)

    @Argument(help: "The write's request id.")
    var requestID: String

    @Option(help: "Whose record was written: the app's own id of the person.")
    var subject: String

    @OptionGroup var api: APIOptions

    func run() async throws {
      let request = Domicile_V1_SettleWriteRequest.with {
        $0.subjectID = subject
        $0.requestID = requestID
      }
      let response: Domicile_V1_SettleWriteResponse = try await api.run(about: subject) {
        try await $0.call("RecordService/SettleWrite", request)
      }
      let isCommitted = response.outcome == .committed
      try show(
        response, json: api.json,
        isCommitted
          ? ["it took effect"] + response.writeReceipts.map { "  \($0.line)" }
          : ["it did not take effect, and never will: the request id is spent", "  \(response.receipt.line)"])
      if !isCommitted { throw ExitCode(3) }
    }
  }
}

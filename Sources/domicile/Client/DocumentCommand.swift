import ArgumentParser
import DomicileAPI
import SwiftProtobuf

/// `domicile document …`
struct DocumentCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "document", abstract: "Documents that every region holds, of collections with 'locality: global'.",
    discussion: """
      Any region takes writes and answers reads, whichever others it reaches. Where regions that were apart wrote one document, all that \
      they wrote is kept until somebody writes with the context of an answer that showed it.
      """,
    subcommands: [Put.self, Get.self, List.self, Delete.self])

  struct Target: ParsableArguments {
    @Argument(help: "The collection, e.g. announcements.")
    var collection: String

    @Argument(help: "The document's key.")
    var key: String

    @Option(help: "Why.")
    var purpose = "service"
  }

  struct Put: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Write a document.")

    @OptionGroup var target: Target

    @Argument(help: "The document as a JSON object.")
    var value: String

    @Option(help: "The context of the answer that this write rests on. By default it replaces whatever the region holds.")
    var context = ""

    @OptionGroup var api: APIOptions

    func validate() throws {
      do { _ = try Google_Protobuf_Struct(jsonString: value) } catch { throw ValidationError("The value is not a JSON object.") }
    }

    func run() async throws {
      let document = try Google_Protobuf_Struct(jsonString: value)
      let request = Domicile_V1_PutDocumentRequest.with {
        $0.collection = target.collection
        $0.key = target.key
        $0.purpose = target.purpose
        $0.value = document
        $0.context = context
      }
      let response: Domicile_V1_PutDocumentResponse = try await api.run {
        try await $0.call("DocumentService/PutDocument", request)
      }
      try show(
        response, json: api.json,
        [
          response.concurrent ? "written beside what was written meanwhile: read it, and write with its context" : "written",
          "  context \(response.context)", "  \(response.decision.line)", "  \(response.receipt.line)",
        ])
    }
  }

  struct Get: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Read a document.",
      discussion: "Prints one line for each value: more than one where regions wrote it apart and the app is to decide.")

    @OptionGroup var target: Target
    @OptionGroup var api: APIOptions

    func run() async throws {
      let request = Domicile_V1_GetDocumentRequest.with {
        $0.collection = target.collection
        $0.key = target.key
        $0.purpose = target.purpose
      }
      let response: Domicile_V1_GetDocumentResponse = try await api.run {
        try await $0.call("DocumentService/GetDocument", request)
      }
      let document = response.document
      try show(
        response, json: api.json,
        try document.values.map { try $0.jsonString() }
          + (document.concurrent
            ? ["  written or deleted apart, by writers who had not read each other: write one with this context to settle it"]
            : [])
          + ["  context \(document.context)", "  \(response.decision.line)", "  \(response.receipt.line)"])
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the documents of a collection.")

    @Argument(help: "The collection, e.g. announcements.")
    var collection: String

    @Option(help: "Why.")
    var purpose = "service"

    @Option(help: "Documents a page: 1 to 1000.")
    var pageSize: UInt32 = 100

    @Option(help: "Where to go on: next_page_token of the page before.")
    var pageToken: String?

    @OptionGroup var api: APIOptions

    func run() async throws {
      let request = Domicile_V1_ListDocumentsRequest.with {
        $0.collection = collection
        $0.purpose = purpose
        $0.pageSize = pageSize
        $0.pageToken = pageToken ?? ""
      }
      let response: Domicile_V1_ListDocumentsResponse = try await api.run {
        try await $0.call("DocumentService/ListDocuments", request)
      }
      var lines = try response.documents.map { document in
        let values = try document.values.map { try $0.jsonString() }.joined(separator: "  |  ")
        return "\(document.key)\t\(values)\(document.concurrent ? "\tconcurrent" : "")"
      }
      if lines.isEmpty { lines = ["no documents"] }
      if !response.nextPageToken.isEmpty { lines.append("  more: --page-token \(response.nextPageToken)") }
      try show(response, json: api.json, lines + ["  \(response.decision.line)", "  \(response.receipt.line)"])
    }
  }

  struct Delete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Delete a document.")

    @OptionGroup var target: Target

    @Option(help: "The context of the answer that this rests on. By default all goes that the region holds.")
    var context = ""

    @OptionGroup var api: APIOptions

    func run() async throws {
      let request = Domicile_V1_DeleteDocumentRequest.with {
        $0.collection = target.collection
        $0.key = target.key
        $0.purpose = target.purpose
        $0.context = context
      }
      let response: Domicile_V1_DeleteDocumentResponse = try await api.run {
        try await $0.call("DocumentService/DeleteDocument", request)
      }
      try show(
        response, json: api.json,
        [
          response.concurrent ? "deleted, but for what was written meanwhile" : "deleted", "  \(response.decision.line)",
          "  \(response.receipt.line)",
        ])
    }
  }
}

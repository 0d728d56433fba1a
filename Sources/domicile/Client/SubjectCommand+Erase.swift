import ArgumentParser
import DomicileAPI
import Foundation
import SwiftProtobuf

extension SubjectCommand {
  struct Erase: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Erase a person: records, consents and keys. There is no way back.",
      discussion: """
        The home deletes the account, leaves a tombstone in the directory, records it, and destroys the keys that sealed the data and named \
        the person in the log: the log stays whole and verifies, and speaks of nobody any more. What was made before goes by its own \
        time: backups of the key database, and bundles exported for auditors, which hold the names that the log had for the person.
        """)

    @Argument(help: "The app's own id of the person.")
    var subject: String

    @Flag(help: "Do not ask.")
    var yes = false

    @OptionGroup var api: APIOptions

    func run() async throws {
      if !yes { try confirm() }
      let request = Domicile_V1_EraseSubjectRequest.with { $0.subjectID = subject }
      let response: Domicile_V1_EraseSubjectResponse = try await api.run(about: subject) {
        try await $0.call("SubjectService/EraseSubject", request)
      }
      try show(
        response, json: api.json,
        ["\(subject) is erased, epoch \(response.epoch)", "  \(response.decision.line)", "  \(response.receipt.line)"])
    }

    private func confirm() throws {
      guard isatty(STDIN_FILENO) == 1 else {
        throw ValidationError("This cannot be undone, and there is no terminal to ask on: say --yes.")
      }
      print("Everything about \(subject) will be erased for good. Write the id again to go on: ", terminator: "")
      guard readLine() == subject else { throw ValidationError("Nothing was erased.") }
    }
  }
}

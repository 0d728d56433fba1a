import ArgumentParser
import Coordinator
import DomicileAPI
import SwiftProtobuf

extension SubjectCommand {
  struct Contested: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Subjects that were registered in several regions while those were apart.",
      discussion: """
        From the directory copy of the region that is asked. Subjects are named by their tags: the directory knows no ids. Given an id, \
        it says whether that one is contested. 'domicile subject resolve' settles a contest. Exit status 5 where there are any.
        """)

    @Argument(help: "The app's own id of one person. By default, all contests are listed.")
    var subject: String?

    @OptionGroup var api: APIOptions

    func run() async throws {
      if let subject { return try await tell(subject) }
      let contests = try await api.run(as: [.operator]) { client in
        var contests: [Domicile_V1_Contest] = []
        var token = ""
        repeat {
          let page: Domicile_V1_ListContestedResponse = try await client.call(
            "SubjectService/ListContested",
            Domicile_V1_ListContestedRequest.with {
              $0.pageSize = 1_000
              $0.pageToken = token
            })
          contests += page.contests
          token = page.nextPageToken
        } while !token.isEmpty
        return contests
      }
      let lines = contests.map { contest in
        "\(contest.tag)  \(contest.homes.joined(separator: ", "))"
          + (contest.cause == .historyLost ? "  (a region lost a part of its history)" : "")
      }
      try show(
        Domicile_V1_ListContestedResponse.with { $0.contests = contests }, json: api.json,
        lines.isEmpty ? ["No subject is contested."] : lines)
      if !contests.isEmpty { throw ExitCode(5) }
    }

    private func tell(_ subject: String) async throws {
      let found: Domicile_V1_LocateSubjectResponse = try await api.run {
        try await $0.call("SubjectService/LocateSubject", Domicile_V1_LocateSubjectRequest.with { $0.subjectID = subject })
      }
      let isContested = found.state == .contested
      try show(
        found, json: api.json,
        [
          isContested
            ? "\(subject) is contested: registered in \(found.candidates.joined(separator: ", "))"
            : "\(subject) is not contested: its home is \(found.homeRegion)"
        ])
      if isContested { throw ExitCode(5) }
    }
  }

  struct Resolve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Settle a contest: which region's account keeps the id, and what becomes of the others.",
      discussion: """
        Every region with an account decides by its own policy and records it; where one refuses, or is out of reach, nothing changes. \
        Each region with an account has to be named, so that nobody's account goes unnoticed:

          domicile subject resolve resident-7 --keep eu-west --rename us-east=resident-7-us --erase ap-south
        """)

    @Argument(help: "The app's own id of the person; or tag:HEX, as 'domicile subject contested' names it.")
    var subject: String

    @Option(help: "The region whose account keeps the id.")
    var keep: String

    @Option(help: ArgumentHelp("A region whose account lives on under another id.", valueName: "region=new-id"))
    var rename: [String] = []

    @Option(help: ArgumentHelp("A region whose account is deleted for good, its keys with it.", valueName: "region"))
    var erase: [String] = []

    @Option(help: "Makes the call safe to repeat.")
    var requestID: String?

    @OptionGroup var api: APIOptions

    func validate() throws {
      for text in rename where !text.contains("=") || text.hasPrefix("=") || text.hasSuffix("=") {
        throw ValidationError("--rename is a region and a new id, e.g. us-east=resident-7-us; this is '\(text)'.")
      }
    }

    func run() async throws {
      let request = Domicile_V1_ResolveContestRequest.with {
        if subject.hasPrefix("tag:") { $0.tag = String(subject.dropFirst(4)) } else { $0.subjectID = subject }
        $0.keepRegion = keep
        $0.requestID = requestID ?? ""
        $0.others = rename.map { text in
          let parts = text.split(separator: "=", maxSplits: 1)
          return .with {
            $0.region = String(parts[0])
            $0.fate = .renamed
            $0.newSubjectID = String(parts[1])
          }
        }
        $0.others += erase.map { region in
          .with {
            $0.region = region
            $0.fate = .erased
          }
        }
      }
      let response: Domicile_V1_ResolveContestResponse = try await api.run(at: keep, as: [.operator]) {
        try await $0.call("SubjectService/ResolveContest", request)
      }
      var lines = ["\(subject) is at home in \(response.homeRegion), epoch \(response.epoch)", "  \(response.receipt.line)"]
      for agreement in response.agreements {
        let account = agreement.account
        lines.append(
          account.fate == .renamed
            ? "\(account.region): its account lives on as \(account.newSubjectID)" : "\(account.region): its account is erased")
        lines.append("  once the resolution has arrived there; \(agreement.receipt.line)")
      }
      try show(response, json: api.json, lines)
    }
  }
}

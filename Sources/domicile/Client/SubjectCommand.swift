import ArgumentParser
import DomicileAPI
import SwiftProtobuf

/// `domicile subject …`
struct SubjectCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "subject", abstract: "People, their homes and their consents.",
    subcommands: [Register.self, Locate.self, Get.self, Erase.self, Contested.self, Resolve.self])

  struct Register: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Make a region the home of a new subject.")

    @Argument(help: "The app's own id of the person.")
    var subject: String

    @Option(help: "The region that becomes home.")
    var home: String

    @Option(help: "Where the person lives: ISO 3166-1, e.g. DE.")
    var country: String

    @Option(help: "The part of that country, where its law differs: ISO 3166-2, e.g. CA-QC.")
    var subdivision: String?

    @Option(help: "A citizenship; may be given several times.")
    var citizenship: [String] = []

    enum Level: String, ExpressibleByArgument, CaseIterable { case any, one, quorum, all }

    @Option(
      help: """
        When it counts as done: any (the region that is asked with --region has noted it, and passes it on when the home can be reached), \
        one (the home has committed it), quorum (most regions know of it) or all.
        """)
    var level = Level.one

    @Option(help: "Makes the call safe to repeat.")
    var requestID: String?

    @OptionGroup var api: APIOptions

    func validate() throws {
      guard level != .any || requestID != nil else {
        throw ValidationError("--level any needs --request-id: by it you find out later what became of the registration.")
      }
    }

    func run() async throws {
      let request = Domicile_V1_RegisterSubjectRequest.with {
        $0.subjectID = subject
        $0.homeRegion = home
        $0.residence = .with {
          $0.country = country
          $0.subdivision = subdivision ?? ""
          $0.citizenship = citizenship
        }
        $0.requestID = requestID ?? ""
        $0.level =
          switch level {
          case .any: .any
          case .one: .one
          case .quorum: .quorum
          case .all: .all
          }
      }
      let response: Domicile_V1_RegisterSubjectResponse = try await api.run(at: home) {
        try await $0.call("SubjectService/RegisterSubject", request)
      }
      let isPending = response.subject.state == .pending
      var lines = [
        isPending
          ? "\(subject) is noted in \(response.receipt.region), and will be at home in \(response.subject.homeRegion) once that has been reached"
          : "\(subject) is at home in \(response.subject.homeRegion)"
      ]
      if response.evidence.regions > 0 { lines.append("  known to \(response.evidence.regions) regions") }
      try show(response, json: api.json, lines + ["  \(response.decision.line)", "  \(response.receipt.line)"])
    }
  }

  struct Locate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Which region is home.",
      discussion: """
        From the directory copy of the region that is asked, which answers though all others be out of reach. Where it does not know \
        the subject, it asks the others, and says which did not answer.
        """)

    enum Level: String, ExpressibleByArgument, CaseIterable { case one, quorum, all, home }

    @Argument(help: "The app's own id of the person.")
    var subject: String

    @Option(
      help: "Who is asked: one (the region's own copy), quorum (most regions), all, or home (the home itself, linearizable).")
    var level = Level.one

    @OptionGroup var api: APIOptions

    func run() async throws {
      let request = Domicile_V1_LocateSubjectRequest.with {
        $0.subjectID = subject
        $0.level =
          switch level {
          case .one: .one
          case .quorum: .quorum
          case .all: .all
          case .home: .home
          }
      }
      let response: Domicile_V1_LocateSubjectResponse = try await api.run {
        try await $0.call("SubjectService/LocateSubject", request)
      }
      let lines =
        response.state == .contested
        ? ["\(subject) is contested: registered in \(response.candidates.joined(separator: ", "))"]
        : ["\(subject) is at home in \(response.homeRegion), \(response.homeURL)"]
      try show(response, json: api.json, lines)
    }
  }

  struct Get: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "A subject's residence, state and consents.")

    @Argument(help: "The app's own id of the person.")
    var subject: String

    @Option(help: "Why it is read.")
    var purpose = "service"

    @OptionGroup var api: APIOptions

    func run() async throws {
      let request = Domicile_V1_GetSubjectRequest.with {
        $0.subjectID = subject
        $0.purpose = purpose
      }
      let response: Domicile_V1_GetSubjectResponse = try await api.run(about: subject) {
        try await $0.call("SubjectService/GetSubject", request)
      }
      var lines = ["\(subject): home \(response.subject.homeRegion), epoch \(response.subject.epoch)"]
      if response.subject.hasResidence { lines.append("  residence \(response.subject.residence.country)") }
      for consent in response.subject.consents {
        lines.append("  consent to \(consent.purpose): \(consent.kind)\(consent.hasWithdrawnAt ? ", withdrawn" : "")")
      }
      try show(response, json: api.json, lines + ["  \(response.decision.line)", "  \(response.receipt.line)"])
    }
  }
}

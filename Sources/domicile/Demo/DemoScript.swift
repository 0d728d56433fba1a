import Residency

/// The demo's script.
enum DemoScript {
  struct Chapter {
    enum Act {
      case calls
      case stopPostgres(RegionID)
      case startPostgres(RegionID)
      case waitForCheckpoints
    }

    let title: String
    var act = Act.calls
    let steps: [DemoStep]
  }

  static func chapters(state: String, catalog: RegionCatalog) -> [Chapter] {
    let writer = DemoScriptWriter(state: state, catalog: catalog)
    guard let europe = RegionID("eu-west") else { return [] }
    return [
      Chapter(title: "Two people, each at home in their own region", steps: writer.registrations),
      Chapter(title: "Their data is written and read at home", steps: writer.homeCalls),
      Chapter(title: "Found from anywhere", steps: [writer.locateFromIndia]),
      Chapter(title: "Across the border: only as policy says, and recorded on both sides", steps: writer.transfers),
      Chapter(
        title: "The PostgreSQL of eu-west stops", act: .stopPostgres(europe),
        steps: [writer.locateDuringOutage, writer.readDuringOutage, writer.unaffected]),
      Chapter(title: "It starts again", act: .startPostgres(europe), steps: [writer.readAgain]),
      Chapter(title: "What the logs prove", act: .waitForCheckpoints, steps: writer.audits),
    ]
  }
}

/// Writes the command lines, with addresses of the catalog and files of the state folder.
struct DemoScriptWriter {
  let state: String
  let catalog: RegionCatalog

  /// The auditors' program, built beside this one.
  private var auditTool: String {
    let here = CommandLine.arguments.first ?? "domicile"
    guard let slash = here.lastIndex(of: "/") else { return "domicile-audit" }
    return "\(here[...slash])domicile-audit"
  }

  private func call(
    _ region: String, _ method: String, as token: String, _ body: String
  ) -> String {
    let url = RegionID(region).flatMap { catalog[$0] }?.coordinator.url.text ?? ""
    return
      "curl -s --cacert \(state)/ca.pem \(url)/domicile.v1.\(method) -H \"authorization: Bearer $(cat \(state)/tokens/\(token))\""
      + " -H 'content-type: application/json' -d '\(body)'"
  }

  private func record(_ subject: String, purpose: String) -> String {
    #"{"subjectId":"\#(subject)","collection":"profile","key":"main","purpose":"\#(purpose)"}"#
  }

  /// The first time. A second run is told that they are registered already.
  var registrations: [DemoStep] {
    [("resident-eu", "eu-west", "DE"), ("resident-us", "us-east", "US")].map { subject, home, country in
      DemoStep(
        "Register \(subject), who lives in \(country), with \(home) as home:",
        call(
          home, "SubjectService/RegisterSubject", as: "app",
          #"{"subjectId":"\#(subject)","homeRegion":"\#(home)","residence":{"country":"\#(country)"}}"#),
        [.registeredNowOrBefore(home)])
    }
  }

  var homeCalls: [DemoStep] {
    [
      DemoStep(
        "Write a profile, at home:",
        call(
          "eu-west", "RecordService/PutRecord", as: "app",
          #"{"subjectId":"resident-eu","collection":"profile","key":"main","value":{"name":"E. U. Resident","email":"e@example.eu","phone":"+353 1 555 0100","ip":"192.0.2.7"}}"#
        ), [.isThere("version"), .equals("decision.effect", "PERMIT")]),
      DemoStep(
        "Read it, at home: everything in the clear.",
        call("eu-west", "RecordService/GetRecord", as: "app", record("resident-eu", purpose: "service")),
        [.equals("record.value.email", "e@example.eu"), .isThere("receipt.leafHash")]),
      DemoStep(
        "The same for resident-us:",
        call(
          "us-east", "RecordService/PutRecord", as: "app",
          #"{"subjectId":"resident-us","collection":"profile","key":"main","value":{"name":"U. S. Resident","email":"u@example.com"}}"#
        ), [.equals("decision.effect", "PERMIT")]),
    ]
  }

  var locateFromIndia: DemoStep {
    DemoStep(
      "Where is resident-eu at home? Asked in India, answered from its own copy of the directory:",
      call("ap-south", "SubjectService/LocateSubject", as: "app", #"{"subjectId":"resident-eu"}"#),
      [.equals("homeRegion", "eu-west"), .equals("evidence.readLevel", "DIRECTORY_COPY")])
  }

  var transfers: [DemoStep] {
    [
      DemoStep(
        "Support reads the profile from the US. eu-west decides, masks, records; us-east records that it was given it:",
        call("us-east", "RecordService/GetRecord", as: "support", record("resident-eu", purpose: "support")),
        [
          .equals("record.value.name", "E. U. Resident"), .starts("record.value.email", with: "h:"), .isAbsent("record.value.ip"),
          .equals("receipt.region", "eu-west"), .equals("importReceipt.region", "us-east"),
        ]),
      DemoStep(
        "Analytics asks for the same. Denied, with the rule, its file and line:",
        call("us-east", "RecordService/GetRecord", as: "analytics", record("resident-eu", purpose: "analytics")),
        [.equals("code", "permission_denied"), .reason("POLICY_DENIED"), .isAbsent("record")]),
    ]
  }

  var locateDuringOutage: DemoStep {
    DemoStep(
      "us-east still knows where resident-eu is at home:",
      call("us-east", "SubjectService/LocateSubject", as: "support", #"{"subjectId":"resident-eu"}"#),
      [.equals("homeRegion", "eu-west")])
  }

  var readDuringOutage: DemoStep {
    DemoStep(
      "Its data is unavailable, since it is nowhere else and the read could not be recorded:",
      call("us-east", "RecordService/GetRecord", as: "support", record("resident-eu", purpose: "support")),
      [.equals("code", "unavailable"), .reason("AUDIT_UNAVAILABLE"), .isAbsent("record")])
  }

  var unaffected: DemoStep {
    DemoStep(
      "resident-us is not affected:",
      call("us-east", "RecordService/GetRecord", as: "support", record("resident-us", purpose: "support")),
      [.equals("record.value.email", "u@example.com")])
  }

  var readAgain: DemoStep {
    DemoStep(
      "All is well again:",
      call("us-east", "RecordService/GetRecord", as: "support", record("resident-eu", purpose: "support")),
      [.equals("record.value.name", "E. U. Resident"), .starts("record.value.email", with: "h:")])
  }

  var audits: [DemoStep] {
    let tool = auditTool
    return [
      DemoStep("Every leaf, tree and signature of the three logs, recomputed:", "\(tool) verify --state \(state)"),
      DemoStep("Every disclosure of resident-eu's data, and every refusal:", "\(tool) who resident-eu --state \(state)"),
    ]
  }
}

extension DemoStep.Expectation {
  fileprivate static func registeredNowOrBefore(_ home: String) -> Self {
    Self(path: "", what: "is a registration in \(home), or says that there is one already") { answer in
      answer?.value(at: "subject.homeRegion")?.stringValue == home || answer?.value(at: "code")?.stringValue == "already_exists"
    }
  }

  /// The reason in the error's `google.rpc.ErrorInfo`, as the details' `debug` form shows it.
  fileprivate static func reason(_ reason: String) -> Self {
    Self(path: "details.0", what: "has the reason \(reason)") { detail in
      detail?.value(at: "debug.reason")?.stringValue == reason
    }
  }
}

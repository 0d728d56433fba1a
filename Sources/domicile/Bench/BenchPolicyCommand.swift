import ArgumentParser
import ConfigurationFiles
import Foundation
import PolicyEngine
import Residency

/// `domicile bench policy`
struct BenchPolicyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "policy", abstract: "Measure decisions, proofs and compilation.",
    discussion: """
      Decides random requests with random policies of 12 and of 1,000 rules, over 16 jurisdictions, 8 classes and 8 purposes; proves \
      the larger set whole; and compiles the policy files of a folder. Where Cedar is installed for Python (cedarpy), it decides the \
      same requests with the same rules, is checked for the same answers, and the ratio is told. Measure a release build: swift build \
      -c release.
      """)

  @Option(help: "Of the random policies and requests.")
  var seed: UInt64 = 1

  @Option(help: "Measurements of each kind. The median is told.")
  var rounds = 9

  @Option(help: "The folder of policy files to compile.", completion: .directory)
  var policies = PolicyFolder.defaultFolder

  @Flag(help: "Print JSON: {\"figures\": {…}, …}.")
  var json = false

  func validate() throws {
    guard (1...1_000).contains(rounds) else { throw ValidationError("--rounds is 1 to 1000.") }
  }

  func run() async throws {
    let bench = PolicyBench(seed: seed, rounds: rounds)
    let report = try PolicyReport.withDiagnostics(json: json) { try bench.run(folder: policies) }
    json ? print(report.json.canonicalText) : print(report.text(.standardOutput))
  }
}

/// Everything that `domicile bench policy` measures.
struct PolicyBench {
  let seed: UInt64
  let rounds: Int
  private static let requestCount = 4_096
  private static let cedarRequestCount = 200

  func run(folder: String) throws -> PolicyBenchReport {
    var report = PolicyBenchReport()
    let few = try decisions(ruleCount: 12)
    let many = try decisions(ruleCount: 1_000)
    report.figures["decide_ns"] = many.nanoseconds
    report.figures["decide_strings_ns"] = many.nanosecondsOfWords
    report.figures["decide_growth"] = many.nanoseconds / few.nanoseconds
    report.notes.append(
      "12 rules: \(few.nanoseconds.rounded()) ns; of 1,000 rules \(many.matched.rounded(toPlaces: 1)) apply, "
        + "\(Int((many.permitted * 100).rounded())) % permitted")

    let set = try PolicyBenchSet(ruleCount: 1_000, seed: seed).policies()
    let day = PolicyBenchSet.day ?? PolicyInputs.today()
    let requests = PolicyBenchSet.requests(Self.requestCount, seed: seed &+ 1).compactMap {
      PolicyBenchSet.accessRequest($0, on: day)
    }
    var permitted = 0
    let explained = median(
      (0..<rounds).map { _ in
        milliseconds { for request in requests where set.decide(request).effect == .permit { permitted += 1 } } * 1e6
          / Double(requests.count)
      })
    guard requests.count == Self.requestCount, permitted > 0 else { throw ExitCode(1) }
    report.figures["decide_explained_ns"] = explained
    report.notes.append(
      "a whole request of every class with its explanation, as a call is answered: \(PolicyReport.grouped(Int(explained))) ns, "
        + "once; the same request again is remembered")
    var situations = 0
    report.figures["prove_ms"] = median(
      (0..<min(rounds, 5)).map { _ in
        milliseconds { situations = set.prove(from: day).situationCount }
      })
    report.notes.append("the proof looks at \(PolicyReport.grouped(situations)) situations")

    let files = try PolicyFolder.read(folder)
    var ruleCount = 0
    report.figures["compile_ms"] = try median(
      (0..<rounds).map { _ in
        try milliseconds {
          let loaded = try PolicyFolder.load(files, regions: [], today: PolicyInputs.today())
          ruleCount = loaded.ruleCount
          _ = loaded.compileNow(for: PolicyInputs.today())
        }
      })
    report.notes.append("compiled: \(files.count { !$0.isTest }) files, \(ruleCount) rules of \(folder)/")

    switch CedarBench(seed: seed, requestCount: Self.cedarRequestCount).run() {
    case .measured(let nanoseconds):
      report.figures["cedar_ratio"] = nanoseconds / many.nanoseconds
      report.notes.append("Cedar: \(PolicyReport.grouped(Int(nanoseconds))) ns a decision, with the same answers")
    case .missing(let why): report.notes.append("Cedar was not measured: \(why)")
    }
    return report
  }

  private func decisions(ruleCount: Int) throws -> (
    nanoseconds: Double, nanosecondsOfWords: Double, matched: Double, permitted: Double
  ) {
    let set = try PolicyBenchSet(ruleCount: ruleCount, seed: seed).policies()
    guard let table = DecisionTable(set, on: PolicyBenchSet.day ?? PolicyInputs.today()) else { throw ExitCode(1) }
    let words = PolicyBenchSet.requests(Self.requestCount, seed: seed &+ 1)
    let facts = words.compactMap(table.facts)
    var matched = table.empty
    var count = 0
    var permitted = 0
    for fact in facts {
      if table.decide(fact, matched: &matched).effect == .permit { permitted += 1 }
      count += matched.count
    }
    let repeats = 50
    // What is counted keeps the work from being left out.
    var seen = 0
    let byFacts = median(
      (0..<rounds).map { _ in
        milliseconds {
          for _ in 0..<repeats {
            for fact in facts where table.decide(fact, matched: &matched).effect == .permit { seen += 1 }
          }
        } * 1e6 / Double(repeats * facts.count)
      })
    let byWords = median(
      (0..<rounds).map { _ in
        milliseconds {
          for _ in 0..<repeats {
            for word in words where table.decide(word, matched: &matched).effect == .permit { seen += 1 }
          }
        } * 1e6 / Double(repeats * words.count)
      })
    guard seen == permitted * repeats * rounds * 2 else { throw ExitCode(1) }
    return (byFacts, byWords, Double(count) / Double(facts.count), Double(permitted) / Double(facts.count))
  }

  private func milliseconds(_ body: () throws -> Void) rethrows -> Double {
    let start = ContinuousClock.now
    try body()
    let (seconds, attoseconds) = (ContinuousClock.now - start).components
    return Double(seconds) * 1e3 + Double(attoseconds) / 1e15
  }

  private func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
}

struct PolicyBenchReport {
  private static let targets: [(name: String, what: String, bound: Double, isMaximum: Bool)] = [
    ("decide_ns", "a decision with its matched rules, 1,000 rules, ns", 150, true),
    ("decide_strings_ns", "the same from words, ns", 400, true),
    ("decide_growth", "from 12 rules to 1,000, times", 4, true),
    ("prove_ms", "proof of the whole domain, ms", 300, true),
    ("compile_ms", "compilation of the starter packs, ms", 200, true),
    ("cedar_ratio", "Cedar's time, times ours", 100, false),
  ]

  var figures: [String: Double] = [:]
  var notes: [String] = []

  var json: JSONValue {
    [
      "figures": .object(figures.mapValues { .number($0.rounded(toPlaces: 2)) }), "notes": .array(notes.map(JSONValue.string)),
    ]
  }

  func text(_ style: TerminalStyle) -> String {
    let rows = Self.targets.map { target -> String in
      let name = target.name.padding(toLength: 18, withPad: " ", startingAt: 0)
      guard let value = figures[target.name] else { return "\(name)         -  \(target.what)" }
      let holds = target.isMaximum ? value <= target.bound : value >= target.bound
      let number = String(value.rounded(toPlaces: value < 10 ? 2 : 0)).padded(to: 9)
      let bound = "\(target.isMaximum ? "at most" : "at least") \(Int(target.bound))"
      return "\(name)\(number)  \(holds ? style.good(bound) : style.bad(bound))  \(target.what)"
    }
    return (rows + notes.map(style.faint)).joined(separator: "\n")
  }
}

extension Double {
  fileprivate func rounded(toPlaces places: Int) -> Double {
    let factor = (0..<places).reduce(1.0) { product, _ in product * 10 }
    return (self * factor).rounded() / factor
  }
}

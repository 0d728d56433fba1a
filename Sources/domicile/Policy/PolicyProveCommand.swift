import ArgumentParser
import ConfigurationFiles
import PolicyEngine
import Residency

/// `domicile policy prove [DIR]`
struct PolicyProveCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prove", abstract: "Prove invariants over every situation, and find rules that do nothing.",
    discussion: """
      Looks at every situation that the rules can tell apart, on every day from today on: nothing is sampled. For each invariant of \
      invariants.yaml it prints a proof or the smallest counterexample; of rules it says which never match, which a forbid always \
      overrides, and which decide nothing.

      Only known facts are varied: one that is not known can only narrow a decision.

      Exits 0 where every invariant holds, 1 where one does not (or, with --strict, a rule does nothing), 2 on wrong usage.
      """)

  @OptionGroup var folder: PolicyFolderInput

  @OptionGroup var days: PolicyDayInput

  @Flag(help: "Fail on rules that do nothing, and on invariants that are about nothing.")
  var strict = false

  @OptionGroup var modes: PolicyModeInput

  @OptionGroup var inputs: PolicyInputs

  func run() async throws {
    let (proof, watching) = try PolicyReport.withDiagnostics(json: inputs.json) {
      let policies = modes.applied(to: try inputs.load(folder.folder, for: days.day).policies)
      return (policies.prove(from: days.day), policies.monitoredPacks.map(\.name))
    }
    inputs.json ? print(proof.json(watching).canonicalText) : printText(proof, watching)
    let isSound = proof.findings.isEmpty && !proof.invariants.contains(where: \.isVacuous)
    guard proof.holds, isSound || !strict else { throw ExitCode(1) }
  }

  private func printText(_ proof: PolicyProof, _ watching: [String]) {
    let style = TerminalStyle.standardOutput
    for invariant in proof.invariants {
      let mark = invariant.holds ? (invariant.isVacuous ? style.doubtful("empty ") : style.good("holds ")) : style.bad("broken")
      print("\(mark)  \(invariant.id)  \(style.faint(invariant.location.fileAndLine))")
      if invariant.isVacuous { print("        no situation is what it is about: does it name what there is?") }
      guard let example = invariant.counterexample else { continue }
      print("        \(example.facts.description)")
      print("        \(example.what)" + (example.rule.map { " by \(PolicyReport.describe($0, style))" } ?? ""))
    }
    for finding in proof.findings {
      let because = finding.because.isEmpty ? "" : ": \(PolicyReport.some(finding.because.map(\.id), max: 4))"
      print("\(style.doubtful("note  "))  \(PolicyReport.describe(finding.rule, style))")
      let lacks = finding.lacks.map { ": there is yet to be \($0)" } ?? because
      print("        \(finding.kind.sentence(for: finding.rule.kind))\(lacks)")
    }
    if let note = PolicyReport.monitoredNote(watching, style) { print(note) }
    let broken = proof.invariants.count { !$0.holds }
    let verdict =
      proof.invariants.isEmpty
      ? style.doubtful("no invariants")
      : broken == 0
        ? style.good("\(counted(proof.invariants.count, "invariant", "invariants")) proved")
        : style.bad("\(broken) of \(counted(proof.invariants.count, "invariant", "invariants")) broken")
    print(
      "\(PolicyReport.grouped(proof.situationCount)) situations in \(counted(proof.days.count, "epoch", "epochs")), "
        + "\(PolicyReport.grouped(proof.classCount)) told apart: \(verdict)"
        + (proof.findings.isEmpty ? "" : ", " + style.doubtful(counted(proof.findings.count, "note", "notes"))))
  }
}

extension PolicyProof.Finding.Kind {
  fileprivate func sentence(for kind: RuleKind) -> String {
    switch self {
    case .neverMatches: "never matches"
    case .alwaysOverridden: "is overridden wherever it applies"
    case .neverDecides:
      kind == .forbid
        ? "only guards: what it forbids, nothing permits either" : "decides nothing: without it every decision would be the same"
    }
  }
}

extension PolicyProof {
  fileprivate func json(_ watching: [String]) -> JSONValue {
    [
      "ok": .bool(holds), "monitored": .array(watching.map(JSONValue.string)), "situations": .integer(situationCount),
      "classes": .integer(classCount),
      "days": .array(days.map { .string($0.description) }), "invariants": .array(invariants.map(\.json)),
      "findings": .array(findings.map(\.json)),
    ]
  }
}

extension PolicyProof.Finding {
  fileprivate var json: JSONValue {
    [
      "kind": .string(kind.rawValue), "rule": rule.json, "because": .array(because.map { .string($0.id) }),
      "lacks": lacks.map(JSONValue.string) ?? .null,
    ]
  }
}

extension PolicyProof.InvariantResult {
  fileprivate var json: JSONValue {
    var members: [String: JSONValue] = [
      "id": .string(id), "at": .string(location.fileAndLine), "holds": .bool(holds), "vacuous": .bool(isVacuous),
    ]
    if let basis { members["basis"] = .string(basis) }
    if let counterexample {
      members["counterexample"] = ["facts": counterexample.facts.json, "what": .string(counterexample.what)]
      if let rule = counterexample.rule { members["rule"] = rule.json }
    }
    return .object(members)
  }
}

import ArgumentParser
import PolicyEngine
import Residency

/// `domicile policy diff OLD NEW`
struct PolicyDiffCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff", abstract: "What another set of policies decides otherwise.",
    discussion: """
      Compares every situation that one of the two can tell apart, on every day from today on, and groups what differs into few boxes: \
      every combination of their values differs alike.

        domicile policy diff main/policies policies --fail-on-widening --acknowledged acknowledged.yaml

      A widening is acknowledged by a file that names the two revisions and says who decided it and why: 'domicile policy diff' prints \
      what to write. Any further change of the policies has to be acknowledged anew.

      Exits 0, or with --fail-on-widening 1 where something is shown that was not before and nobody has acknowledged it; 1 where a file \
      has an error, 2 on wrong usage.
      """)

  @Argument(help: "The folder of the policies so far.", completion: .directory)
  var old: String

  @Argument(help: "The folder of the new ones.", completion: .directory)
  var new: String

  @OptionGroup var days: PolicyDayInput

  @Flag(help: "Exit with 1 where something is shown that was not before, unless it is acknowledged.")
  var failOnWidening = false

  @Option(help: "A file in which a widening is acknowledged.", completion: .file())
  var acknowledged: String?

  @OptionGroup var modes: PolicyModeInput

  @OptionGroup var inputs: PolicyInputs

  func validate() throws {
    if acknowledged != nil, !failOnWidening { throw ValidationError("--acknowledged goes with --fail-on-widening.") }
  }

  func run() async throws {
    var watching: [String] = []
    let (diff, acknowledgement) = try PolicyReport.withDiagnostics(json: inputs.json) {
      let before = modes.applied(to: try inputs.load(old, for: days.day).policies)
      let after = modes.applied(to: try inputs.load(new, for: days.day).policies)
      let diff = PolicyDiff(from: before, to: after, since: days.day)
      watching = Set((before.monitoredPacks + after.monitoredPacks).map(\.name)).sorted()
      return (diff, try acknowledged.map { try Acknowledgement.read($0) }?.first { $0.isOf(diff) })
    }
    inputs.json
      ? print(json(diff, acknowledgement, watching).canonicalText) : printText(diff, acknowledgement, watching)
    if failOnWidening, diff.widens, acknowledgement == nil { throw ExitCode(1) }
  }

  private func printText(_ diff: PolicyDiff, _ acknowledgement: Acknowledgement?, _ watching: [String]) {
    let style = TerminalStyle.standardOutput
    for box in diff.boxes {
      let mark =
        switch box.direction {
        case .widened: style.bad("wider   ")
        case .narrowed: style.good("narrower")
        case .changed: style.doubtful("changed ")
        }
      print("\(mark)  \(box.text)")
      print("          \(box.before) \(style.faint("->")) \(box.after)")
      if box.days.count < diff.days.count { print("          \(style.faint(box.times(among: diff.days)))") }
    }
    for move in diff.relocations {
      let mark = move.to == .global ? style.bad("wider   ") : style.good("narrower")
      print("\(mark)  records of \(move.collection) live \(move.to == .global ? "in every region" : "at home"), not as before")
    }
    for claim in diff.claims {
      let mark = claim.direction == .widened ? style.bad("wider   ") : style.good("narrower")
      let verb = claim.direction == .widened ? "may claim" : "may no longer claim"
      print("\(mark)  principals like '\(claim.principal)' \(verb) the purpose \(claim.purpose)")
    }
    let counts = [(diff.widenedCount, "wider"), (diff.changedCount, "changed"), (diff.narrowedCount, "narrower")]
    print(
      diff.isEmpty
        ? style.good("the two decide alike in \(PolicyReport.grouped(diff.situationCount)) situations")
        : "of \(PolicyReport.grouped(diff.situationCount)) situations "
          + (counts.contains { $0.0 > 0 }
            ? counts.filter { $0.0 > 0 }.map { "\(PolicyReport.grouped($0.0)) \($0.1)" }.joined(separator: ", ")
            : "none is decided otherwise by the rules"))
    if let note = PolicyReport.monitoredNote(watching, style) { print(note) }
    guard diff.widens else { return }
    if let acknowledgement {
      print(style.good("acknowledged by \(acknowledgement.by)") + ": \(acknowledgement.reason)")
    } else {
      print("To acknowledge the widening, write this, with who decided it and why:")
      print(Acknowledgement.template(diff))
    }
  }

  private func json(_ diff: PolicyDiff, _ acknowledgement: Acknowledgement?, _ watching: [String]) -> JSONValue {
    var members: [String: JSONValue] = [
      "ok": .bool(!failOnWidening || !diff.widens || acknowledgement != nil), "old": .string(diff.oldRevision),
      "new": .string(diff.newRevision), "situations": .integer(diff.situationCount), "widened": .integer(diff.widenedCount),
      "narrowed": .integer(diff.narrowedCount), "changed": .integer(diff.changedCount),
      "monitored": .array(watching.map(JSONValue.string)), "days": .array(diff.days.map { .string($0.description) }),
      "boxes": .array(diff.boxes.map(\.json)),
      "relocations": .array(
        diff.relocations.map {
          [
            "collection": .string($0.collection.rawValue), "from": .string($0.from.rawValue), "to": .string($0.to.rawValue),
          ]
        }),
      "claims": .array(
        diff.claims.map {
          [
            "direction": .string($0.direction.rawValue), "principal": .string($0.principal),
            "purpose": .string($0.purpose.rawValue),
          ]
        }),
    ]
    if let acknowledgement {
      members["acknowledged"] = ["by": .string(acknowledgement.by), "reason": .string(acknowledgement.reason)]
    }
    return .object(members)
  }
}

extension PolicyDiff.Box {
  /// `from 2027-01-01 on`, `until 2027-01-01`, `from 2026-12-01 until 2027-01-01, from 2028-01-01 on`.
  /// - Parameter all: the first day of each epoch.
  fileprivate func times(among all: [CalendarDate]) -> String {
    var words: [String] = []
    var index = 0
    while index < all.count {
      guard days.contains(all[index]) else {
        index += 1
        continue
      }
      let start = index
      while index < all.count, days.contains(all[index]) { index += 1 }
      let from = start == 0 ? "" : "from \(all[start])"
      let until = index == all.count ? " on" : "\(start == 0 ? "" : " ")until \(all[index])"
      words.append(from + until)
    }
    return words.joined(separator: ", ")
  }

  fileprivate var text: String {
    func list(_ values: [String]?, _ all: String) -> String { values.map { PolicyReport.some($0, max: 6) } ?? all }
    var words = [action.rawValue]
    if action == .store {
      words.append("in \(list(homes, "any home"))")
    } else {
      words.append(list(cells, "everything"))
      words.append("from \(list(homes, "any home")) to \(list(hops, "anywhere"))")
      if let purposes { words.append("for \(list(purposes.map(\.rawValue), ""))") }
    }
    if let consents { words.append("with consent: \(list(consents, ""))") }
    if let people { words.append("(\(list(people, "")))") }
    return words.joined(separator: " ")
  }

  fileprivate var json: JSONValue {
    func list(_ values: [String]?) -> JSONValue { values.map { .array($0.map(JSONValue.string)) } ?? "any" }
    return [
      "direction": .string(direction.rawValue), "action": .string(action.rawValue), "homes": list(homes), "hops": list(hops),
      "cells": list(cells), "purposes": list(purposes?.map(\.rawValue)), "consents": list(consents), "people": list(people),
      "before": .string(before), "after": .string(after), "days": .array(days.map { .string($0.description) }),
      "text": .string(text),
    ]
  }
}

import ArgumentParser
import ConfigurationFiles
import Foundation
import PolicyEngine
import Residency

/// `domicile policy matrix [DIR]`
struct PolicyMatrixCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "matrix", abstract: "Every decision on one day: from where, to where, of what, for what.",
    discussion: """
      Prints what is permitted, grouped into few lines. With --html it writes a page that stands alone: a heat map from home to \
      recipient, in which a click on a cell shows the rule.

        domicile policy matrix --html matrix.html

      Jurisdictions that no rule tells apart are one: DE+29 is Germany and 29 others. Exits 1 where a file has an error, 2 on wrong usage.
      """)

  @OptionGroup var folder: PolicyFolderInput

  @OptionGroup var days: PolicyDayInput

  @Option(help: "Only this action: read, write, store, replicate, move or export. Default: all.")
  var action: Action?

  @Option(help: "Write a page of HTML to this file.", completion: .file())
  var html: String?

  @Flag(help: "Print denials, too.")
  var denials = false

  @OptionGroup var modes: PolicyModeInput

  @OptionGroup var inputs: PolicyInputs

  func run() async throws {
    var watching: [String] = []
    let matrix = try PolicyReport.withDiagnostics(json: inputs.json) {
      let policies = modes.applied(to: try inputs.load(folder.folder, for: days.day).policies)
      watching = policies.monitoredPacks.map(\.name)
      return PolicyMatrix(policies, on: days.day, actions: action.map { [$0] } ?? policies.vocabulary.actions)
    }
    if let html {
      do {
        try Data(MatrixPage(matrix, monitored: watching).text.utf8).write(to: URL(filePath: html), options: .atomic)
      } catch {
        printError("\(html) could not be written: \(error.localizedDescription)")
        throw ExitCode(1)
      }
    }
    if inputs.json { return print(matrix.json(monitored: watching).canonicalText) }
    if let note = PolicyReport.monitoredNote(watching, .standardOutput) { print(note) }
    html == nil
      ? printText(matrix) : print("\(html ?? ""): \(PolicyReport.grouped(matrix.situationCount)) situations on \(matrix.day)")
  }

  private func printText(_ matrix: PolicyMatrix) {
    let style = TerminalStyle.standardOutput
    for plane in matrix.planes {
      let boxes = matrix.boxes(of: plane).filter { box in
        denials || matrix.combinations[box.combination].contains { matrix.outcomes[$0.outcome].isPermitted }
      }
      guard !boxes.isEmpty else { continue }
      print("\(plane.action.rawValue) \(plane.action == .store ? "in" : "from") \(matrix.homes[plane.home])")
      for box in boxes {
        if plane.action != .store { print("  \(text(box, matrix))") }
        for entry in matrix.combinations[box.combination] {
          let outcome = matrix.outcomes[entry.outcome]
          let rule = outcome.rule.map { "  \(style.faint("\($0.id) \($0.location.fileAndLine)"))" } ?? ""
          let who = entry.condition.isEmpty ? "" : "\(entry.condition): "
          print("      \(who)\(paint(outcome, style))\(rule)")
        }
      }
    }
    print(style.faint("\(PolicyReport.grouped(matrix.situationCount)) situations on \(matrix.day), revision \(matrix.revision)"))
  }

  private func text(_ box: PolicyMatrix.Box, _ matrix: PolicyMatrix) -> String {
    func some(_ places: [Int], of names: [String], _ all: String) -> String {
      places.count == names.count ? all : PolicyReport.some(places.map { names[$0] }, max: 6)
    }
    return "to \(some(box.hops, of: matrix.hops, "anywhere")): \(some(box.cells, of: matrix.cells, "everything"))"
      + " for \(some(box.purposes, of: matrix.purposes, "any purpose"))"
  }

  private func paint(_ outcome: PolicyMatrix.Outcome, _ style: TerminalStyle) -> String {
    switch outcome.shade {
    case .open: style.good(outcome.text)
    case .masked: style.doubtful(outcome.text)
    case .closed, .forbidden: style.bad(outcome.text)
    }
  }
}

extension PolicyMatrix.Outcome {
  var isPermitted: Bool { shade == .open || shade == .masked }
}

extension PolicyMatrix {
  /// Numbers are places in the lists beside them.
  func json(monitored: [String]) -> JSONValue {
    [
      "day": .string(day.description), "monitored": .array(monitored.map(JSONValue.string)), "revision": .string(revision),
      "situations": .integer(situationCount),
      "homes": .array(homes.map(JSONValue.string)),
      "home_members": .array(homeMembers.map { .array($0.map { .string($0.rawValue) }) }),
      "hops": .array(hops.map(JSONValue.string)), "cells": .array(cells.map(JSONValue.string)),
      "purposes": .array(purposes.map(JSONValue.string)), "outcomes": .array(outcomes.map(\.json)),
      "combinations": .array(
        combinations.map { .array($0.map { ["condition": .string($0.condition), "outcome": .integer($0.outcome)] }) }),
      "planes": .array(
        planes.map { plane in
          [
            "action": .string(plane.action.rawValue), "home": .integer(plane.home),
            "runs": .array(Self.runs(plane.combinations).map(JSONValue.integer)),
          ]
        }),
    ]
  }

  /// How often, and what, one after the other.
  private static func runs(_ values: [Int]) -> [Int] {
    var runs: [Int] = []
    for value in values {
      if runs.last == value { runs[runs.count - 2] += 1 } else { runs += [1, value] }
    }
    return runs
  }
}

extension PolicyMatrix.Outcome {
  fileprivate var json: JSONValue {
    var members: [String: JSONValue] = ["text": .string(text), "shade": .string(shade.rawValue)]
    if let rule { members["rule"] = rule.json }
    return .object(members)
  }
}

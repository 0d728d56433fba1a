import ArgumentParser
import ConnectRPC
import DomicileAPI
import Foundation
import SwiftProtobuf

/// How current a read has to be.
struct ReadOptions: ParsableArguments {
  enum Level: String, ExpressibleByArgument, CaseIterable {
    case linearizable, primary, session, replica
  }

  @Option(help: "How current: linearizable, primary, session (a standby that has what --session-token saw) or replica.")
  var read = Level.linearizable

  @Option(help: "What an earlier answer showed as its session; goes with --read session.")
  var sessionToken: String?

  @Option(help: "By how many seconds the answer may be behind, 0.1 to 600; goes with --read replica.")
  var maxStaleness: Double?

  func validate() throws {
    guard (read == .session) == (sessionToken != nil) else {
      throw ValidationError("--read session and --session-token go together.")
    }
    guard (read == .replica) == (maxStaleness != nil) else {
      throw ValidationError("--read replica and --max-staleness go together.")
    }
    if let maxStaleness, !(0.1...600).contains(maxStaleness) {
      throw ValidationError("--max-staleness is from 0.1 to 600 seconds.")
    }
  }

  /// `nil` for what a region does by itself.
  var preference: Domicile_V1_ReadPreference? {
    switch read {
    case .linearizable: nil
    case .primary: .with { $0.level = .primary }
    case .session:
      .with {
        $0.level = .session
        $0.sessionToken = sessionToken ?? ""
      }
    case .replica:
      .with {
        $0.level = .replica
        $0.maxStaleness = Google_Protobuf_Duration(rounding: maxStaleness ?? 0, rule: .toNearestOrAwayFromZero)
      }
    }
  }
}

/// When a write counts as done, and how it can be repeated.
struct WriteOptions: ParsableArguments {
  enum Concern: String, ExpressibleByArgument, CaseIterable {
    case quorum, applied, local
  }

  @Option(help: "Makes the call safe to repeat. By default a new one is made up, and shown where the outcome is not known.")
  var requestID: String?

  @Option(help: "When it counts as done: quorum, applied (a standby shows it) or local. By default what the region requires.")
  var writeConcern: Concern?

  /// One for the whole command. Not an option.
  private let madeUp = UUID().uuidString.lowercased()

  private enum CodingKeys: CodingKey {
    case requestID, writeConcern
  }

  var id: String { requestID ?? madeUp }

  var concern: Domicile_V1_WriteConcern {
    switch writeConcern {
    case nil: .unspecified
    case .quorum: .quorum
    case .applied: .applied
    case .local: .local
    }
  }

  /// Runs a write, and says how to go on where nobody knows what became of it.
  func run<R>(_ api: APIOptions, about subject: String, _ body: (APIClient) async throws -> R) async throws -> R {
    try await api.run(about: subject) { client in
      do {
        return try await body(client)
      } catch let error as ConnectError where error.isOutcomeUnknown {
        printError(
          "It is not known whether the write took effect. Run it again with --request-id \(id), or find out: "
            + "domicile record settle \(id) --subject '\(subject)'")
        throw error
      }
    }
  }
}

extension ConnectError {
  /// Whether a write may have happened all the same.
  fileprivate var isOutcomeUnknown: Bool {
    switch reason {
    case "OUTCOME_UNKNOWN", "UNCONFIRMED", "CANCELED": true
    case nil: [.unavailable, .deadlineExceeded, .canceled, .unknown].contains(code)
    default: false
    }
  }
}

extension Domicile_V1_Evidence {
  /// For people: how current the answer is, and how to go on from it.
  var line: String {
    var parts: [String] = []
    switch readLevel {
    case .linearizable: parts.append("linearizable")
    case .session: parts.append("read on a standby, as far as the session")
    case .replica: parts.append("read on a standby, at most \(staleness.timeInterval) s behind")
    case .directoryCopy: parts.append("from the directory")
    case .directoryQuorum: parts.append("from most regions' copies of the directory")
    case .directoryAll: parts.append("from all regions' copies of the directory")
    case .unspecified, .UNRECOGNIZED: break
    }
    switch writeConcern {
    case .local: parts.append("committed on the primary alone")
    case .quorum: parts.append("committed on \(confirmations + 1) servers")
    case .applied: parts.append("committed and shown on \(confirmations + 1) servers")
    case .unspecified, .UNRECOGNIZED: break
    }
    if !sessionToken.isEmpty { parts.append("session \(sessionToken)") }
    return parts.joined(separator: ", ")
  }
}

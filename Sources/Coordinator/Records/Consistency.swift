import ConnectRPC
import DomicileAPI
import PolicyEngine
import RegionStore
import Residency
import SwiftProtobuf

/// What a caller chooses of consistency, checked for form and against what the collection allows.
extension Call {
  func readPreference(
    _ message: Domicile_V1_ReadPreference, of collection: CollectionName
  ) throws(Refusal) -> ReadPreference {
    let preference = try ReadPreference(message)
    if preference != .linearizable, policies.collection(collection)?.staleReads == .refused {
      throw Refusal(
        .failedPrecondition, .consistencyNotAllowed,
        "The collection '\(collection)' is read at LINEARIZABLE only: see stale_reads in policies/collections.yaml.",
        metadata: ["collection": collection.rawValue])
    }
    return preference
  }

  func concern(_ asked: Domicile_V1_WriteConcern, of collections: [CollectionName]) throws(Refusal) -> WriteConcern {
    switch asked {
    case .unspecified: return .standard
    case .quorum: return .quorum
    case .applied: return .applied
    case .local:
      for collection in collections where policies.collection(collection)?.localWrites == .refused {
        throw Refusal(
          .failedPrecondition, .consistencyNotAllowed,
          "The collection '\(collection)' takes no LOCAL writes: see local_writes in policies/collections.yaml.",
          metadata: ["collection": collection.rawValue])
      }
      return .local
    case .UNRECOGNIZED:
      throw Refusal(.invalidArgument, .invalidArgument, "write_concern is QUORUM, APPLIED or LOCAL.")
    }
  }
}

extension ReadPreference {
  private static let stalenessRange = Duration.milliseconds(100)...Duration.seconds(600)

  fileprivate init(_ message: Domicile_V1_ReadPreference) throws(Refusal) {
    guard message.level == .session || message.sessionToken.isEmpty else {
      throw Self.refusal("session_token goes with the level SESSION only.")
    }
    guard message.level == .replica || !message.hasMaxStaleness else {
      throw Self.refusal("max_staleness goes with the level REPLICA only.")
    }
    switch message.level {
    case .unspecified, .linearizable, .primary:
      self = .linearizable
    case .session:
      guard let token = SessionToken(message.sessionToken) else {
        throw Self.refusal(
          "The level SESSION needs a session_token that this service gave: evidence.sessionToken of an earlier answer.")
      }
      self = .session(token)
    case .replica:
      let staleness = Duration.seconds(message.maxStaleness.seconds) + .nanoseconds(Int64(message.maxStaleness.nanos))
      guard message.hasMaxStaleness, Self.stalenessRange.contains(staleness) else {
        throw Self.refusal("The level REPLICA needs a max_staleness from 0.1s to 600s.")
      }
      self = .replica(maxStaleness: staleness)
    case .UNRECOGNIZED:
      throw Self.refusal("The level is LINEARIZABLE, PRIMARY, SESSION or REPLICA.")
    }
  }

  private static func refusal(_ message: String) -> Refusal {
    Refusal(.invalidArgument, .invalidArgument, "read_preference: \(message)")
  }
}

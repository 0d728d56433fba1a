import AuditTrail
import ConnectRPC
import Logging
import Residency

/// The regions that cosign this region's checkpoints, and what each of them has seen.
actor Witnesses {
  /// Whose cosignatures auditors ask for; `nil` where this region has no trust file.
  let trust: TrustPolicy?
  private var conversations: [(client: ConnectClient, talk: WitnessConversation)] = []
  private let folder: LogFolder
  private let logger: Logger
  /// Why each witness did not cosign, the last time.
  private var failures: [String: String] = [:]

  /// A checkpoint that waits for its witnesses is one that nobody sees.
  private static let patience = Duration.seconds(1)

  init(_ trust: TrustPolicy?, peers: Peers, folder: LogFolder, logger: Logger) {
    self.trust = trust
    self.folder = folder
    self.logger = logger
    for witness in trust?.witnesses ?? [] {
      guard let client = RegionID(witness.name).flatMap({ peers[$0] }) else {
        logger.warning(
          "a witness of the trust file is no region of the catalog: it is not asked", metadata: ["witness": "\(witness.name)"])
        continue
      }
      conversations.append((client, WitnessConversation(witness)))
    }
  }

  /// The checkpoint with the cosignatures that came in time from those who have not cosigned it. Its tiles are in the folder.
  /// - Parameter stored: how many leaves the store has, read when a witness says that it has seen more.
  func cosign(
    _ note: SignedNote, _ checkpoint: Checkpoint, stored: @Sendable () async -> UInt64?
  ) async -> SignedNote {
    var cosigned = note
    let keys = (trust?.logs ?? []).map(\.key)
    let own = note.signatures.filter { signature in keys.contains { signature.isBy($0) } }
    let asked = conversations.enumerated().filter { !note.isSigned(by: $0.element.talk.witness.key) }
      .map { ($0.offset, $0.element.client, $0.element.talk) }
    guard !asked.isEmpty, let signed = try? SignedNote(text: note.text, signatures: own) else { return note }
    let (folder, deadline) = (folder, ContinuousClock.now + Self.patience)
    await withTaskGroup { group in
      for (number, client, talk) in asked {
        group.addTask {
          await (number, Self.ask(client, talk, signed, checkpoint.size, folder, until: deadline))
        }
      }
      for await (number, (talk, answer)) in group {
        conversations[number].talk = talk
        switch answer {
        case .success(let signature): cosigned.add(signature)
        case .failure(.overtaken(let seen)):
          // Unless another coordinator was faster, the store went back behind what it had signed.
          if let size = await stored(), size < UInt64(seen) { report(talk.witness.name, .failure(.refused(.forked))) }
          continue
        case .failure: break
        }
        report(talk.witness.name, answer)
      }
    }
    return cosigned
  }

  /// Whether all that can be asked have cosigned.
  func isComplete(_ note: SignedNote) -> Bool { conversations.allSatisfy { note.isSigned(by: $0.talk.witness.key) } }

  /// Whether those who have cosigned are enough for an auditor; where the trust file asks for nobody, nobody vouches.
  nonisolated func standing(_ note: SignedNote) -> CheckpointHolder.Witnesses { .init(of: note, by: trust) }

  private enum Failure: Error, CustomStringConvertible {
    case unreachable(ConnectError)
    case refused(WitnessConversation.Refusal)
    case overtaken(by: Int)
    case tiles(FormatError)

    var description: String {
      switch self {
      case .unreachable(let error): error.message
      case .refused(let refusal): "\(refusal)"
      case .overtaken(let size): "another coordinator of this region is ahead: \(size) leaves"
      case .tiles(let error): "\(error)"
      }
    }
  }

  private static func ask(
    _ client: ConnectClient, _ talk: WitnessConversation, _ note: SignedNote, _ size: Int, _ folder: LogFolder,
    until deadline: ContinuousClock.Instant
  ) async -> (WitnessConversation, Result<SignedNote.Signature, Failure>) {
    var talk = talk
    do throws(Failure) {
      while true {
        let request: WitnessRequest
        do throws(FormatError) {
          request = try talk.request(for: note, size: size, tiles: await folder.tilesRead(talk.tilesNeeded(size: size)))
        } catch {
          throw .tiles(error)
        }
        let answer: ConnectClient.RawAnswer
        do throws(ConnectError) {
          answer = try await client.post(
            "\(WitnessService.path)/add-checkpoint", request.bytes, contentType: "text/plain; charset=utf-8",
            timeout: max(.zero, deadline - .now))
        } catch {
          throw .unreachable(error)
        }
        switch talk.answered(status: answer.status, body: answer.body, on: note, size: size) {
        case .cosigned(let signature): return (talk, .success(signature))
        case .again: continue
        case .overtaken(let size): throw .overtaken(by: size)
        case .refused(let refusal): throw .refused(refusal)
        }
      }
    } catch {
      return (talk, .failure(error))
    }
  }

  /// Told where it changes only.
  private func report(_ witness: String, _ answer: Result<SignedNote.Signature, Failure>) {
    switch answer {
    case .success:
      if failures.removeValue(forKey: witness) != nil {
        logger.info("a witness cosigns again", metadata: ["witness": "\(witness)"])
      }
    case .failure(.overtaken): return
    case .failure(let failure):
      guard failures.updateValue(failure.description, forKey: witness) != failure.description else { return }
      let metadata: Logger.Metadata = ["witness": "\(witness)", "why": "\(failure)"]
      if case .refused(.forked) = failure {
        logger.critical(
          "a witness says that this region's log was rewritten: it may run on a restored or copied store", metadata: metadata)
      } else {
        logger.warning("a witness does not cosign this region's checkpoints", metadata: metadata)
      }
    }
  }
}

extension SignedNote {
  /// Whether it carries a signature that names the key. It was checked when it was added.
  fileprivate func isSigned(by key: VerifierKey) -> Bool { signatures.contains { $0.isBy(key) } }
}

extension SignedNote.Signature {
  fileprivate func isBy(_ key: VerifierKey) -> Bool { name == key.name && keyID == key.id }
}

extension CheckpointHolder.Witnesses {
  /// - Parameter trust: what auditors ask for.
  init(of note: SignedNote, by trust: TrustPolicy?) {
    guard let trust else {
      self = .none
      return
    }
    do {
      self =
        switch try trust.verify(note).quorum {
        case .met: .enough
        case .unmet: .tooFew
        case .notRequired: .none
        }
    } catch {
      // A trust file that does not know the region's own key: no auditor would believe the note.
      self = .tooFew
    }
  }
}

import ConnectRPC
import DomicileAPI
import Residency

/// One app at one region, which registers people there, looks up people there, writes a document that all regions hold, and now and then
/// goes on with its session elsewhere.
struct PartitionLoad: Sendable {
  let name: String
  let client: PartitionClient
  /// The key of a document that the apps of all regions write.
  let document: String
  let others: [PartitionClient]
  let ledger: PartitionLedger
  /// Whom every region knew before the partition: they are found in every copy.
  let known: [(subject: String, home: RegionID)]
  let seed: UInt64

  /// A region's own copy answers within this, however it is cut off: the machine is shared.
  private static let patience = Duration.seconds(5)
  /// Elsewhere a session waits for what may not come.
  private static let sessionPatience = Duration.seconds(3)
  private static let pause = Duration.milliseconds(15)

  /// Until the task is cancelled.
  func run() async {
    var random = SeededGenerator(seed: seed)
    var number = 0
    while !Task.isCancelled {
      number += 1
      let subject = "\(name)-\(client.region)-\(number)"
      guard let session = await register(subject) else { continue }
      await find(subject, at: client.region, "its own registration")
      if let (old, home) = known.randomElement(using: &random) { await find(old, at: home, "somebody known before") }
      await writeDocument(subject)
      if number.isMultiple(of: 3), let other = others.randomElement(using: &random) {
        await goOn(with: session, subject, at: other)
      }
      do { try await Task.sleep(for: Self.pause) } catch { return }
    }
  }

  /// - Returns: the session; `nil` where it was not registered.
  private func register(_ subject: String) async -> String? {
    do throws(ConnectError) {
      let session = try await client.register(subject, timeout: Self.patience)
      ledger.registered(subject, in: client.region)
      guard let session else {
        ledger.violation("\(client.region): a registration carries no session")
        return nil
      }
      return session
    } catch {
      guard !Task.isCancelled else { return nil }
      ledger.violation("\(client.region): a registration failed: \(error.reason ?? error.code.rawValue): \(error.message)")
      return nil
    }
  }

  /// Reads what this region holds, and writes over that.
  private func writeDocument(_ mark: String) async {
    do throws(ConnectError) {
      let (seen, context) = try await client.marks(of: document, timeout: Self.patience)
      do throws(ConnectError) {
        try await client.write(mark, to: document, context: context, timeout: Self.patience)
        ledger.update { $0.document.wrote(mark, over: seen) }
      } catch {
        ledger.update { $0.document.mayHaveWritten(mark, over: seen) }
        throw error
      }
      let shown = try await client.marks(of: document, timeout: Self.patience)
      if !shown.marks.contains(mark) { ledger.update { $0.document.didNotShow(mark) } }
    } catch {
      guard !Task.isCancelled else { return }
      ledger.violation("\(client.region): a document: \(error.reason ?? error.code.rawValue): \(error.message)")
    }
  }

  private func find(_ subject: String, at home: RegionID, _ what: String) async {
    do throws(ConnectError) {
      let found = try await client.locate(subject, timeout: Self.patience)
      ledger.update { $0.lookUps += 1 }
      guard found.homeRegion != home.rawValue else { return }
      ledger.violation("\(client.region): \(what) is at home in '\(found.homeRegion)' and not in \(home)")
    } catch {
      guard !Task.isCancelled else { return }
      ledger.violation("\(client.region): \(what) is not found: \(error.reason ?? error.code.rawValue)")
    }
  }

  /// Another region shows what the session has seen, or says that it cannot: never less.
  private func goOn(with session: String, _ subject: String, at other: PartitionClient) async {
    do throws(ConnectError) {
      let found = try await other.locate(subject, session: session, timeout: Self.sessionPatience)
      ledger.update { $0.sessionsServed += 1 }
      guard found.homeRegion != client.region.rawValue else { return }
      ledger.violation("\(other.region): a session's own registration is at home in '\(found.homeRegion)'")
    } catch {
      guard !Task.isCancelled else { return }
      switch error.reason {
      case "STALE_DIRECTORY": ledger.update { $0.sessionsStale += 1 }
      case "SUBJECT_UNKNOWN": ledger.violation("\(other.region): a session does not find what it has registered")
      default: ledger.update { $0.sessionsUnanswered += 1 }
      }
    }
  }
}

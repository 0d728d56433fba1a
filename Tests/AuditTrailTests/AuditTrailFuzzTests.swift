import AuditTrail
import AuditTrailFuzzing
import Foundation
import Testing

/// What reads a stranger's bytes answers or throws, whatever the bytes, and takes nothing for what it is not. The same claims are
/// fuzzed for longer, guided by coverage, by `deploy/test.d/17-fuzz`.
@Suite struct AuditTrailFuzzTests {
  private static let fuzzing = Result { try Fuzzing() }

  @Test(arguments: FuzzTarget.allCases)
  func `damaged bytes break no claim`(target: FuzzTarget) throws {
    let fuzzing = try Self.fuzzing.get()
    let samples = try fuzzing.samples(of: target)
    for sample in target == .longLog ? Array(samples.prefix(1)) : samples { try check(fuzzing, target, sample, "a sample") }
    // DOMICILE_FUZZ_SEED=… replays one seed, DOMICILE_FUZZ_ROUNDS=… makes it longer.
    let environment = ProcessInfo.processInfo.environment
    let rounds = environment["DOMICILE_FUZZ_ROUNDS"].flatMap { Int($0) } ?? (target == .longLog ? 2 : 150)
    let seed = environment["DOMICILE_FUZZ_SEED"].flatMap { UInt64($0) }
    for round in seed.map({ $0..<$0 + 1 }) ?? 1..<UInt64(rounds) + 1 {
      var random = SeededRandom(seed: round)
      let (sample, other) = (samples.randomElement(using: &random) ?? [], samples.randomElement(using: &random) ?? [])
      try check(fuzzing, target, Mutation().damage(sample, with: other, &random), "seed \(round)")
    }
  }

  @Test(arguments: FuzzTarget.allCases)
  func `inputs that once broke a claim break it no more`(target: FuzzTarget) throws {
    let fuzzing = try Self.fuzzing.get()
    for input in KeptInputs.all[target] ?? [] { try check(fuzzing, target, input, "\(input.count) bytes, kept") }
  }

  private func check(_ fuzzing: Fuzzing, _ target: FuzzTarget, _ bytes: [UInt8], _ name: String) throws {
    do throws(BrokenClaim) {
      try fuzzing.check(target, bytes)
    } catch {
      Issue.record("\(target.rawValue), \(name): \(error); in base64: \(Data(bytes).base64EncodedString())")
    }
  }
}

/// Inputs that the fuzzer found.
enum KeptInputs {
  static let all: [FuzzTarget: [[UInt8]]] = [
    // A partial bundle with more entries than its name says.
    .log: ["U1NldCoA"].compactMap { Base64.decode($0) }, .longLog: ["U1NldCoA"].compactMap { Base64.decode($0) },
    .prefix: [otherLog],
  ]

  /// Of a log with another name: it is as none.
  private static let otherLog =
    Base64.decode(
      [
        "eyJjaGVja3BvaW50IjoiZXUtd2VzdC5leGFtcGxlLm9yZy9hdWBpdFxuMjU4XG4vUHJmNDFWVWgxVnk2dzNsMkJwSzJ3Z1R0QU1z",
        "YTJtamxGbGNqbjI4WTlNPVxuXG7igJQgZXUtd2VzdC5leGFtcGxlLm9yZy9hdWRpdCBCVEFHM0V4MTNvSFMwYll1T2xudEd6VERB",
        "cTJRTVEydFF3UURwTVdYeG84WkJFTUhrNXIrYzBnM0VOb1k2SWZGZmduNUlmUlJhZmZjTkVNNE1UdkxBRzlVWEFNPVxu4oCUIHVz",
        "LWVhc3QuZXhhbXBsZS5vcmcvd2l0bmVzcyB4Y1NRRXdBQUFBQnJBNkZBUUJqRkwxc3FxS3lNVmo2Zk14Qk5vL2RCWDBkdU1WajJG",
        "K2pzK21MbDNPcEFqTm1uVlJtOVdyR29PS1dNQ0FvTlZQd0ZkaW1Ga1lUQUNqM0dtci9lQmc9PVxuIiwidGlsZXMiOnsidGlsZS8x",
        "LzAwMC5wLzEiOiJmOU42Uy9zTjFVM0ZkTkpkVUJ0bTN6ZmxLSG1kWUFPb0l1blhENktiektZPSJ9fQ==",
      ].joined()) ?? []
}

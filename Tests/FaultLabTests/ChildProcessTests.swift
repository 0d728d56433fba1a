import Testing

@testable import FaultLab

@Suite("Programs that are run to their end") struct ChildProcessTests {
  @Test("output and exit code are those of the program")
  func output() async throws {
    let output = try await ChildProcess.run(["/bin/sh", "-c", "echo said; echo warned >&2; exit 7"], in: "/")
    #expect(output.text == "said\nwarned\n")
    #expect(output.status == 7)
  }

  @Test("a signal's number is told")
  func signal() async throws {
    #expect(try await ChildProcess.run(["/bin/sh", "-c", "kill -s TERM $$"], in: "/").status == 128 + 15)
  }

  @Test("output larger than a pipe is whole")
  func longOutput() async throws {
    let output = try await ChildProcess.run(["/usr/bin/seq", "100000"], in: "/")
    #expect(output.text.utf8.count == 588_895)
    #expect(output.text.hasSuffix("\n100000\n"))
  }

  @Test("its end is seen although a program that it started holds its output open", .timeLimit(.minutes(1)))
  func leftRunning() async throws {
    let began = ContinuousClock.now
    let output = try await ChildProcess.run(["/bin/sh", "-c", "sleep 45 & echo $!"], in: "/")
    #expect(.now - began < .seconds(20))
    let left = try #require(Int32(output.text.trimmed))
    #expect(Postmaster.isAlive(left))
    _ = try await ChildProcess.run(["/bin/sh", "-c", "kill \"$1\"", "sh", String(left)], in: "/")
  }

  @Test("one that does not end is killed, and its last words are told", .timeLimit(.minutes(1)))
  func endless() async throws {
    let error = await #expect(throws: PrivatePostgresError.self) {
      try await ChildProcess.run(["/bin/sh", "-c", "echo waiting for a standby; exec sleep 50"], in: "/", limit: .seconds(1))
    }
    let text = try #require(error?.description)
    #expect(text.contains("had not ended after 1.0 seconds, and was killed: waiting for a standby"))
  }

  @Test("one that never stops talking is killed too", .timeLimit(.minutes(1)))
  func talkative() async throws {
    await #expect(throws: PrivatePostgresError.self) {
      try await ChildProcess.run(["/usr/bin/yes"], in: "/", limit: .milliseconds(200))
    }
  }
}

@Suite("Free ports") struct FreePortTests {
  @Test("a port is given once, from below those of outgoing connections")
  func once() throws {
    let ports = try (0..<500).map { _ in try FreePort.find() }
    #expect(Set(ports).count == 500)
    #expect(ports.allSatisfy { (20_000..<32_000).contains($0) })
  }
}

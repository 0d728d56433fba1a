package import Coordinator
package import FaultLab
package import Foundation
import Glibc
import Logging
package import Postgres
package import Residency

/// Three regions as they are deployed, in a temporary folder and on ports of their own: real PostgreSQL clusters, and a
/// coordinator process for each. It ends with this process, however that ends, and nothing of it stays.
package final class TestDeployment: Sendable {
  package let catalog: RegionCatalog
  package let state: StateFolder
  package let regions: LocalDeployment
  /// Where the repository is.
  package let sources: String
  /// The programs that were built with the tests.
  package let programs: TestPrograms
  private let folder: DisposableFolder
  private let guardians: [Guardian]
  private let issuer: TokenIssuer

  /// Starts all three regions, and returns when they are ready.
  /// - Parameter standbys: of each region's cluster; synchronous.
  package static func start(standbys: Int = 0) async throws -> TestDeployment {
    let deployment = try TestDeployment(standbys: standbys)
    do {
      try await deployment.regions.start()
      return deployment
    } catch {
      await deployment.remove()
      throw error
    }
  }

  private init(standbys: Int) throws {
    programs = try TestPrograms()
    sources = TestPrograms.sources
    folder = try DisposableFolder()
    let state = StateFolder("\(folder.path)/state")
    self.state = state
    catalog = try Self.writeCatalog(from: "\(sources)/regions", to: "\(folder.path)/regions")
    guardians = try catalog.regions.flatMap { region in
      try PrivateReplicaSet.folders(in: state.folder(of: region.id), standbys: standbys).map { folder in
        try Guardian(of: folder, removesFolder: true)
      }
    }
    try DevelopmentAuthority(state: state).prepare(catalog)
    issuer = try TokenIssuer(state: state)
    regions = LocalDeployment(
      catalog: catalog,
      files: .init(program: programs.domicile, regions: "\(folder.path)/regions", policies: "\(sources)/policies"), state: state,
      standbys: standbys, report: { _ in })
  }

  /// Ends everything and removes the folder.
  package func remove() async {
    await regions.stop()
    for guardian in guardians { await guardian.finish() }
    folder.remove()
  }

  /// The path of a new file or folder that goes with the deployment.
  package func path(_ name: String) -> String { "\(folder.path)/\(name)" }

  package var regionFiles: String { "\(folder.path)/regions" }
  package var policies: String { "\(sources)/policies" }

  // MARK: Callers

  /// A token of the deployment's issuer.
  package func token(
    _ name: String = "app:test", purposes: [String] = ["service", "support", "billing", "analytics"],
    jurisdiction: String? = nil, roles: Set<Principal.Role> = [.app], lifetime: Duration = .seconds(3_600),
    issuedAt: Date = Date()
  ) async throws -> String {
    let principal = Principal(
      name: name, purposes: Set(purposes.map { Purpose($0) }), jurisdiction: jurisdiction.flatMap { Jurisdiction($0) },
      roles: roles)
    return try await issuer.token(for: principal, lifetime: lifetime, now: issuedAt)
  }

  // MARK: What lies behind a region

  /// Runs one statement in a region's own database, behind its coordinator's back.
  @discardableResult
  package func sql(
    _ region: RegionID, _ text: String, _ parameters: [PostgresValue] = [], database: String = "domicile"
  ) async throws -> [PostgresRow] {
    guard let cluster = await regions.cluster(of: region) else { throw Failure.noCluster(region) }
    let configuration = PostgresConfiguration(dsn: cluster.dsn(database: database), applicationName: "test")
    let connection = try await PostgresConnection.connect(configuration, logger: Logger(label: "test"))
    do {
      let rows = try await connection.execute(Statement("test", text), parameters).rows
      await connection.close()
      return rows
    } catch {
      await connection.close()
      throw Failure.sql(text, "\(error) \(error.serverMessage ?? "")")
    }
  }

  package enum Failure: Error, CustomStringConvertible {
    case noCluster(RegionID)
    case sql(String, String)
    case noProgram(String)
    case noFolder(String)
    case notReady(RegionID, log: String)

    package var description: String {
      switch self {
      case .noCluster(let region): "\(region) has no cluster"
      case .sql(let text, let why): "\(text): \(why)"
      case .noProgram(let name): "\(name) is not built beside the tests"
      case .notReady(let region, let log): "\(region) does not start: \(log)"
      case .noFolder(let parent): "no temporary folder could be made in \(parent)"
      }
    }
  }
}

extension TestDeployment {
  /// Copies the repository's region files, with a free port for each that they name.
  private static func writeCatalog(from source: String, to target: String) throws -> RegionCatalog {
    try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
    var files: [(path: String, text: String)] = []
    for name in try FileManager.default.contentsOfDirectory(atPath: source).sorted() where name.hasSuffix(".yaml") {
      var text = try String(contentsOfFile: "\(source)/\(name)", encoding: .utf8)
      for port in Set(text.matches(of: /(?:127\.0\.0\.1|localhost):(\d+)/).map { String($0.output.1) }).sorted() {
        text = text.replacing(":\(port)", with: ":\(try FreePort.find())")
      }
      let path = "\(target)/\(name)"
      try text.write(toFile: path, atomically: true, encoding: .utf8)
      files.append((path, text))
    }
    return try RegionCatalog.load(files, environment: [:], local: nil)
  }
}

/// Where the tests' package is, and the programs beside its test bundle.
package struct TestPrograms: Sendable {
  package let domicile: String
  package let audit: String

  /// The repository's folder.
  package static let sources: String = {
    // Sources/DomicileTestKit/TestDeployment.swift
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
  }()

  package init() throws {
    let program = URL(filePath: ProcessInfo.processInfo.arguments.first ?? "")
    let places = [
      program.deletingLastPathComponent(), Bundle.main.bundleURL, program.deletingLastPathComponent().deletingLastPathComponent(),
    ]
    func find(_ name: String) throws -> String {
      let paths = places.map { $0.appending(path: name).path }
      guard let path = paths.first(where: { FileManager.default.isExecutableFile(atPath: $0) }) else {
        throw TestDeployment.Failure.noProgram(name)
      }
      return path
    }
    domicile = try find("domicile")
    audit = try find("domicile-audit")
  }
}

/// A temporary folder that is removed when it is let go of, or by a shell that outlives this process when that ends in any
/// other way: what processes that are ending still write there goes too.
package final class DisposableFolder: Sendable {
  package let path: String
  private let sweeper: Process
  private let lifeline: Pipe

  package init() throws {
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(parent)/domicile-test.XXXXXX".utf8CString)
    // Open to the account that PostgreSQL runs as.
    guard mkdtemp(&template) != nil, chmod(template, 0o755) == 0 else { throw TestDeployment.Failure.noFolder(parent) }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    lifeline = Pipe()
    sweeper = Process()
    sweeper.executableURL = URL(filePath: "/bin/sh")
    sweeper.arguments = ["-c", Self.script, "sweeper", path]
    sweeper.standardInput = lifeline
    sweeper.standardOutput = FileHandle.nullDevice
    sweeper.standardError = FileHandle.nullDevice
    try sweeper.run()
  }

  package func remove() {
    try? lifeline.fileHandleForWriting.close()
    sweeper.waitUntilExit()
  }

  /// Clusters are removed by their guardians, who need the files until then.
  private static let script = """
    trap '' INT TERM HUP QUIT
    read -r _
    tries=0
    while [ "$tries" -lt 300 ] && ls -d "$1"/state/*/postgres "$1"/state/*/standby* 2>/dev/null | grep -q .; do
      sleep 0.1
      tries=$((tries + 1))
    done
    for pause in 0.1 0.5 1 3; do
      rm -rf -- "$1"
      sleep "$pause"
      [ -e "$1" ] || exit 0
    done
    """
}

extension TestDeployment {
  /// Runs `body` while a region's coordinator works from other policies than the rest.
  package func withCoordinator<Answer>(
    of region: RegionID, policies: String, isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Answer
  ) async throws -> Answer {
    guard let cluster = await regions.cluster(of: region) else { throw Failure.noCluster(region) }
    await regions.stopCoordinator(of: region)
    let process = Process()
    process.executableURL = URL(filePath: programs.domicile)
    process.arguments = [
      "serve", "--region", region.rawValue, "--regions", regionFiles, "--policies", policies, "--state", state.path,
      "--while-stdin-open",
    ]
    let variable = "DOMICILE_\(region.rawValue.uppercased().replacing("-", with: "_"))"
    var environment = ProcessInfo.processInfo.environment
    environment["\(variable)_DSN"] = cluster.dsn(database: "domicile")
    environment["\(variable)_KEYS_DSN"] = cluster.dsn(database: "domicile_keys")
    process.environment = environment
    let leash = Pipe()
    process.standardInput = leash
    let log = path("\(region)-other-policies.log")
    try Data().write(to: URL(filePath: log))
    process.standardError = FileHandle(forWritingAtPath: log)
    try process.run()
    let result: Result<Answer, any Error>
    do {
      try await waitUntilReady(region, process, log: log)
      result = .success(try await body())
    } catch {
      result = .failure(error)
    }
    process.terminate()
    process.waitUntilExit()
    try await regions.startCoordinator(of: region)
    return try result.get()
  }

  private func waitUntilReady(_ region: RegionID, _ process: Process, log: String) async throws {
    guard let url = catalog[region]?.coordinator.url.text else { throw Failure.noCluster(region) }
    for _ in 0..<300 {
      guard process.isRunning else { break }
      let probe = try await Shell.run("curl -sf -o /dev/null --max-time 2 --cacert \(state.authority.certificate) \(url)/readyz")
      if probe.status == 0 { return }
      try await Task.sleep(for: .milliseconds(50))
    }
    throw Failure.notReady(region, log: String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self))
  }
}

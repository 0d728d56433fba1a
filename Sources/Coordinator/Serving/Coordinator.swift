import AuditTrail
import ConnectRPC
import Cryptography
import Directory
package import Logging
import PolicyEngine
import Postgres
import RegionStore
package import Residency
import ServiceLifecycle

/// One coordinator of one region: serves apps and peers over the region's store.
package struct Coordinator: Service {
  private let services: [any Service]
  private let peers: Peers
  private let logger: Logger

  package enum Failure: Error, CustomStringConvertible {
    case noStore(RegionID)
    case retired(RegionID)

    package var description: String {
      switch self {
      case .retired(let region):
        "\(region) is retired: the other regions do not talk to it any more. Its name and ordinal are never used again"
      case .noStore(let region): "the databases of \(region) are not known here: set the variables that its file names"
      }
    }
  }

  /// Opens the store, checks that everything here is this region's, and makes ready to serve.
  /// - Throws: what is wrong, in a sentence.
  package init(_ configuration: CoordinatorConfiguration, logger: Logger) async throws {
    self.logger = logger
    let region = configuration.region
    guard region.status.isMember else { throw Failure.retired(region.id) }
    let secrets = try RegionSecrets(state: configuration.state, region: region)
    guard let addresses = region.store else { throw Failure.noStore(region.id) }
    let context = RegionContext(
      descriptor: region, catalog: configuration.catalog, tagger: secrets.tagger, viewKey: secrets.viewKey,
      coordinator: "\(region.id)/\(try SecureRandom.bytes(4).hex)")
    let keys = IssuerKeyFile(path: configuration.state.issuerKeySet, logger: logger)
    try await keys.load()
    let authority = configuration.state.authority.certificate
    let appTLS = configuration.state.appIdentity(of: region.id)
    let peerTLS = configuration.state.peerIdentity(of: region.id)
    peers = try Peers(
      catalog: configuration.catalog, local: region.id,
      tls: PeerTLSFiles(trustRoots: authority, certificate: peerTLS.certificate, key: peerTLS.key),
      routes: configuration.peerRoutes)

    var limits = GroupCommitter.Limits()
    limits.confirmations = addresses.confirmations
    let bell = Bell()
    let store = try await RegionStore(
      region: region, database: PostgresConfiguration(dsn: addresses.dsn.text, applicationName: "domicile \(region.id)"),
      keyDatabase: PostgresConfiguration(dsn: addresses.keysDSN.text, applicationName: "domicile \(region.id) keys"),
      kek: secrets.kek, digestKey: secrets.digestKey, limits: limits, logger: logger, onAppend: { bell.ring($0) })

    let checkpoints = CheckpointHolder()
    guard let origin = KeyName(region.audit.origin) else { throw Checkpointer.Failure.foreignCheckpoint }
    let trusts = try AuditTrusts(configuration.state, configuration.catalog, logger)
    let witnesses = Witnesses(trusts[region.id], peers: peers, folder: configuration.logFolder, logger: logger)
    let checkpointer = try await Checkpointer(
      store: store, folder: configuration.logFolder, origin: origin, keys: secrets.auditKeys, witnesses: witnesses,
      holder: checkpoints, logger: logger)
    let witness = WitnessService(
      store: store, signer: secrets.witnessSigner, logs: trusts.logs(except: region.id), logger: logger)
    let policies = PolicyHolder(configuration.policies)
    let contacts = PeerContacts()
    let source = ReplicationSource(
      store: store, region: context, policies: policies, contacts: contacts, checkpoints: checkpoints)
    let replication = Replication(source: source, peers: peers, logger: logger)
    bell.connect { replication.appended($0) }

    let executor = Executor(store: store, checkpoints: checkpoints, logger: logger)
    let progress = DirectoryProgress(store: store) { await replication.hurry() }
    let directory = DirectoryReading(asking: replication.asking, progress: progress, sessionKey: secrets.sessionKey)
    let numbering = RequestNumbering()
    let gateway = Gateway(
      calls: CallFactory(region: context, policies: policies, numbering: numbering),
      tokens: TokenVerifier(keys: keys, issuer: configuration.tokenIssuer), executor: executor,
      forwarder: Forwarder(peers: peers, executor: executor), directory: directory)
    let audit = AuditService(gateway: gateway, store: store, folder: configuration.logFolder, checkpoints: checkpoints)
    let health = HealthService(
      store: store,
      directory: DirectoryMetrics(contacts, peers: configuration.catalog.members.filter { $0.id != region.id }),
      audit: AuditMetrics(checkpoints), renderMetrics: configuration.renderMetrics)
    let locate = LocateSubject(gateway: gateway, directory: directory, contacts: contacts)
    let regions = ListRegions(gateway: gateway, contacts: contacts, policies: policies, checkpoints: checkpoints)

    let records = OwnRecords(executor: executor, region: context, policies: policies)
    let intents = IntentDelivery(store: store, gateway: gateway, records: records, logger: logger)
    let contests = ContestResolution(gateway: gateway, store: store)
    let compare = CompareDirectory(gateway: gateway, tending: replication.tending)

    let apps = try ConnectServer(
      configuration: ConnectServerConfiguration(
        host: configuration.listen.host, port: configuration.listen.port,
        tls: ServerTLS(certificateChainPEMPath: appTLS.certificate, privateKeyPEMPath: appTLS.key), limits: configuration.limits),
      methods: Self.subjectMethods(gateway) + audit.methods + contests.methods
        + DocumentService(gateway: gateway, store: store, logger: logger).methods
        + [
          gateway.batchMethod, Registration(gateway: gateway, directory: directory, intents: intents).method, locate.method,
          Decide(gateway: gateway).method, regions.method, compare.method,
          CountSubjects(gateway: gateway, store: store).method, health.method,
        ],
      rawRoutes: health.routes + audit.routes + witness.auditorRoutes(audit.requireAuditor), logger: logger,
      onStart: { port in logger.notice("serving apps", metadata: ["port": "\(port)"]) })

    let peerService = PeerService(
      calls: gateway.calls, tokens: gateway.tokens, executor: executor, replication: source, progress: progress,
      contests: contests, onHello: { replication.heard(from: $0.ordinal) },
      onRing: { replication.rung(by: $0.ordinal, head: $1, news: $2) })
    let peerServer = try ConnectServer(
      configuration: ConnectServerConfiguration(
        host: configuration.peerListen.host, port: configuration.peerListen.port,
        tls: ServerTLS(
          certificateChainPEMPath: peerTLS.certificate, privateKeyPEMPath: peerTLS.key, trustRootsPEMPath: authority,
          clientCertificate: .required),
        limits: configuration.limits),
      methods: peerService.methods + [health.method], rawRoutes: witness.peerRoutes, logger: logger,
      onStart: { port in logger.notice("serving peers", metadata: ["port": "\(port)"]) })

    // Shut down in reverse: first no more calls, then no more replication, then the last checkpoint, then the store.
    let watch = configuration.policySource.map { source in
      PolicyWatch(source: source, holder: policies, logger: logger) {
        try await records.record(.loadPolicy, policyRevision: $0.revision)
      }
    }
    let accounts = RequestAccounting(numbering: numbering, records: records, logger: logger)
    let yielding = AccountYielding(store: store, region: context, records: records, logger: logger)
    let once = ServiceGroup(
      configuration: Self.group(
        [
          CheckpointService(checkpointer: checkpointer), accounts, replication, yielding,
          KeyDestruction(store: store, logger: logger), intents, peerServer, apps,
        ] + (watch.map { [$0] } ?? []), logger))
    services = [
      StoreService(store: store),
      RecordedStart(once: once) {
        try await records.recordStart(
          AuditEvent.Setup(
            catalog: configuration.catalog.revisionText, logKey: secrets.auditSigner.verifierKey.id,
            witnessKey: secrets.witnessSigner.verifierKey.id), policyRevision: configuration.policies.revision)
      },
    ]
  }

  /// Where one of them fails, none goes on.
  private static func group(_ services: [any Service], _ logger: Logger) -> ServiceGroupConfiguration {
    ServiceGroupConfiguration(
      services: services.map { .init(service: $0, failureTerminationBehavior: .gracefullyShutdownGroup) }, logger: logger)
  }

  private static func subjectMethods(_ gateway: Gateway) -> [UnaryMethod] {
    [
      gateway.method(GetSubject.self), gateway.method(SetConsent.self),
      gateway.method(WithdrawConsent.self), gateway.method(EraseSubject.self), gateway.method(PutRecord.self),
      gateway.method(GetRecord.self),
      gateway.method(DeleteRecord.self), gateway.method(ListRecords.self),
      gateway.method(CommitRecords.self), gateway.method(SettleWrite.self),
    ]
  }

  /// Until graceful shutdown: what is in flight is finished and recorded.
  package func run() async throws {
    let group = ServiceGroup(configuration: Self.group(services, logger))
    let result: Result<Void, any Error>
    do {
      try await withGracefulShutdownHandler {
        try await group.run()
      } onGracefulShutdown: {
        Task { await group.triggerGracefulShutdown() }
      }
      result = .success(())
    } catch {
      result = .failure(error)
    }
    await peers.shutdown()
    try result.get()
  }
}

private struct StoreService: Service {
  let store: RegionStore

  func run() async throws {
    await withTaskCancellationOrGracefulShutdownHandler {
      await store.run()
    } onCancelOrGracefulShutdown: {
      Task { await store.stop() }
    }
  }
}

/// Nobody is served, and nothing done, by a coordinator whose log does not say yet that it is there.
private struct RecordedStart: Service {
  let once: ServiceGroup
  let record: @Sendable () async throws -> Void

  func run() async throws {
    try await record()
    try await once.run()
  }
}

private struct CheckpointService: Service {
  let checkpointer: Checkpointer

  func run() async throws {
    await withTaskCancellationOrGracefulShutdownHandler {
      await checkpointer.run()
    } onCancelOrGracefulShutdown: {
      Task { await checkpointer.stop() }
    }
  }
}

// swift-tools-version: 6.1
import PackageDescription

let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

/// Thousands of simulations are run in debug builds too.
let strictAndFast = strict + [.unsafeFlags(["-O"], .when(configuration: .debug))]

extension Target.Dependency {
  static let argumentParser = product(name: "ArgumentParser", package: "swift-argument-parser")
  static let asyncHTTPClient = product(name: "AsyncHTTPClient", package: "async-http-client")
  static let crypto = product(name: "Crypto", package: "swift-crypto")
  static let deque = product(name: "DequeModule", package: "swift-collections")
  static let histogram = product(name: "Histogram", package: "hdrhistogram-swift")
  static let httpTypes = product(name: "HTTPTypes", package: "swift-http-types")
  static let hummingbird = product(name: "Hummingbird", package: "hummingbird")
  static let hummingbirdCore = product(name: "HummingbirdCore", package: "hummingbird")
  static let jwtKit = product(name: "JWTKit", package: "jwt-kit")
  static let logging = product(name: "Logging", package: "swift-log")
  static let metrics = product(name: "Metrics", package: "swift-metrics")
  static let nioCore = product(name: "NIOCore", package: "swift-nio")
  static let nioEmbedded = product(name: "NIOEmbedded", package: "swift-nio")
  static let nioHPACK = product(name: "NIOHPACK", package: "swift-nio-http2")
  static let nioHTTP1 = product(name: "NIOHTTP1", package: "swift-nio")
  static let nioHTTP2 = product(name: "NIOHTTP2", package: "swift-nio-http2")
  static let nioHTTPTypes = product(name: "NIOHTTPTypes", package: "swift-nio-extras")
  static let nioHTTPTypesHTTP2 = product(name: "NIOHTTPTypesHTTP2", package: "swift-nio-extras")
  static let nioPosix = product(name: "NIOPosix", package: "swift-nio")
  static let nioTLS = product(name: "NIOTLS", package: "swift-nio")
  static let nioSSL = product(name: "NIOSSL", package: "swift-nio-ssl")
  static let protobuf = product(name: "SwiftProtobuf", package: "swift-protobuf")
  static let serviceLifecycle = product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
  static let swiftASN1 = product(name: "SwiftASN1", package: "swift-asn1")
  static let unixSignals = product(name: "UnixSignals", package: "swift-service-lifecycle")
  static let x509 = product(name: "X509", package: "swift-certificates")
  static let yams = product(name: "Yams", package: "Yams")
}

func library(
  _ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = [], isFast: Bool = false
) -> Target {
  .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: isFast ? strictAndFast : strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
  .testTarget(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: strict)
}

let package = Package(
  name: "domicile",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "domicile", targets: ["domicile"]),
    .executable(name: "domicile-audit", targets: ["domicile-audit"]),
  ],
  dependencies: [
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
    .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
  ],
  targets: [
    // Pure: no I/O, clock or randomness.
    library("Residency", [.yams], isFast: true),
    library("PolicyEngine", ["Residency"], exclude: ["README.md"]),
    library("Directory", ["Residency"], exclude: ["README.md"], isFast: true),
    library("DirectorySimulation", ["Directory", "Residency", .yams], isFast: true),
    .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    library("Cryptography", ["COpenSSL"]),
    library("AuditTrail", ["Cryptography", "Residency"], exclude: ["README.md"], isFast: true),
    library("AuditReports", ["AuditTrail", "Cryptography", "Residency"], exclude: ["README.md"]),
    library("DecisionRecords", ["AuditTrail", "Cryptography", "PolicyEngine", "Residency"]),
    library("DomicileAPI", [.protobuf], exclude: ["Protos", "generate", "openapi.py"]),

    // Shells.
    library("ConfigurationFiles", ["Cryptography", "PolicyEngine", "Residency"]),
    .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
    library("Postgres", ["CLibPQ", .logging], exclude: ["README.md"]),
    library(
      "RegionStore", ["Cryptography", "Directory", "Postgres", "Residency", .deque, .logging],
      exclude: ["DISTRIBUTING.md", "README.md"]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    library(
      "ConnectRPC",
      [
        "CZlib", .asyncHTTPClient, .httpTypes, .hummingbird, .hummingbirdCore, .logging, .metrics, .nioCore,
        .nioHTTP1, .nioHTTP2, .nioHTTPTypes, .nioHTTPTypesHTTP2, .nioPosix, .nioSSL, .nioTLS, .protobuf, .serviceLifecycle,
      ], exclude: ["Protos", "README.md"]),
    library(
      "Coordinator",
      [
        "AuditTrail", "ConnectRPC", "Cryptography", "DecisionRecords", "Directory", "DomicileAPI", "PolicyEngine", "Postgres",
        "RegionStore", "Residency",
        .crypto, .httpTypes, .jwtKit, .logging, .metrics, .protobuf, .serviceLifecycle, .swiftASN1, .x509,
      ], exclude: ["README.md"]),
    .systemLibrary(name: "CLinux"),
    library(
      "FaultLab",
      [
        "AuditTrail", "CLinux", "ConnectRPC", "Coordinator", "Cryptography", "Directory", "DomicileAPI", "Postgres",
        "RegionStore",
        "Residency", .deque, .histogram, .httpTypes, .logging, .nioCore, .nioHPACK, .nioHTTP2, .nioPosix, .nioSSL,
        .nioTLS, .protobuf,
      ]),

    // Programs.
    .executableTarget(
      name: "domicile",
      dependencies: [
        "AuditTrail", "ConfigurationFiles", "ConnectRPC", "Coordinator", "Cryptography", "DecisionRecords", "DirectorySimulation",
        "DomicileAPI", "FaultLab", "PolicyEngine", "Residency", .argumentParser,
        .httpTypes, .logging, .metrics, .protobuf, .serviceLifecycle, .unixSignals,
      ], swiftSettings: strict),
    .executableTarget(
      name: "domicile-audit",
      dependencies: [
        "AuditReports", "AuditTrail", "CLinux", "ConfigurationFiles", "Cryptography", "DecisionRecords", "PolicyEngine",
        "Residency",
        .argumentParser, .asyncHTTPClient, .nioCore, .nioHTTP1, .nioPosix, .nioSSL,
      ], swiftSettings: strict),

    // Tests.
    library("AuditTrailFuzzing", ["AuditTrail", "Cryptography", "Residency"]),
    library("DomicileTestKit", ["Coordinator", "FaultLab", "Postgres", "Residency", .logging]),
    tests("ResidencyTests", ["Residency"]),
    tests("PolicyEngineTests", ["Cryptography", "PolicyEngine", "Residency"]),
    tests("DirectoryTests", ["Directory", "DirectorySimulation", "Residency"], exclude: ["Scenarios"]),
    tests("CryptographyTests", ["Cryptography", "Residency"]),
    tests("AuditTrailTests", ["AuditReports", "AuditTrail", "AuditTrailFuzzing", "Cryptography", "Residency"]),
    tests(
      "DecisionRecordsTests",
      ["AuditTrail", "ConfigurationFiles", "Cryptography", "DecisionRecords", "DirectorySimulation", "PolicyEngine", "Residency"]),
    tests(
      "FaultLabTests",
      [
        "ConnectRPC", "Coordinator", "DomicileAPI", "DomicileTestKit", "FaultLab", "Residency", .logging, .nioCore, .nioPosix,
        .serviceLifecycle,
      ]),
    tests("PostgresTests", ["Coordinator", "DomicileTestKit", "FaultLab", "Postgres", "Residency", .logging]),
    tests(
      "RegionStoreTests",
      ["Cryptography", "Directory", "DomicileTestKit", "FaultLab", "Postgres", "RegionStore", "Residency", .logging]),
    tests(
      "ConnectRPCTests",
      [
        "ConnectRPC", .asyncHTTPClient, .httpTypes, .logging, .metrics, .nioCore, .nioEmbedded, .nioHTTP1, .nioPosix, .nioSSL,
        .protobuf, .serviceLifecycle,
      ], exclude: ["Protos"]),
    tests(
      "CoordinatorTests",
      [
        "AuditTrail", "ConnectRPC", "Coordinator", "Cryptography", "Directory", "DomicileAPI", "DomicileTestKit", "FaultLab",
        "Postgres",
        "RegionStore", "Residency", .asyncHTTPClient, .crypto, .httpTypes, .jwtKit, .logging, .nioCore, .nioEmbedded, .nioHTTP1,
        .nioSSL, .protobuf,
        .swiftASN1, .x509,
      ]),
    tests(
      "domicileTests",
      ["AuditTrail", "ConfigurationFiles", "Coordinator", "PolicyEngine", "Residency", "domicile", .argumentParser]),
  ]
)

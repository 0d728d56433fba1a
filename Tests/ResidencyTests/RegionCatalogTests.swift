import Foundation
import Residency
import Testing

struct RegionCatalogTests {
  /// The three regions of the repository, as text that a test spoils.
  struct Files {
    var texts: [String: String]

    init() {
      texts = Dictionary(
        uniqueKeysWithValues: [
          ("us-east", 1, "US", "eu-west, ap-south"), ("eu-west", 2, "IE", "us-east, ap-south"),
          ("ap-south", 3, "IN", "us-east, eu-west"),
        ].map { (name, ordinal, jurisdiction, witnesses) in
          let variable = "DOMICILE_" + name.uppercased().replacingOccurrences(of: "-", with: "_")
          return (
            name,
            """
            region: \(name)
            ordinal: \(ordinal)
            jurisdiction: \(jurisdiction)
            name: The \(name)
            location: { latitude: 53.35, longitude: -6.26 }
            coordinator: { listen: 127.0.0.1:710\(ordinal), public: "https://localhost:710\(ordinal)" }
            peer: { listen: 127.0.0.1:720\(ordinal), url: "https://localhost:720\(ordinal)" }
            store: { dsn: "${\(variable)_DSN}", keys_dsn: "${\(variable)_KEYS_DSN}" }
            audit: { origin: \(name).domicile.example/audit, witnesses: [\(witnesses)] }
            """
          )
        })
    }

    mutating func replace(_ old: String, by new: String, in region: String = "eu-west") {
      let text = texts[region] ?? ""
      #expect(text.contains(old), "the test spoils nothing")
      texts[region] = text.replacingOccurrences(of: old, with: new)
    }

    func load(
      _ environment: [String: String] = Files.environment, stores: RegionCatalog.StoresNeeded = .all
    ) throws(ConfigurationError) -> RegionCatalog {
      try RegionCatalog.load(texts.map { ("regions/\($0.key).yaml", $0.value) }, environment: environment, stores: stores)
    }

    func diagnostics(
      _ environment: [String: String] = Files.environment, stores: RegionCatalog.StoresNeeded = .all
    ) -> [String] {
      do {
        _ = try load(environment, stores: stores)
        return []
      } catch {
        return error.diagnostics.sorted { $0.location < $1.location }.map {
          "\($0.location.fileAndLine) \($0.message) | \($0.help ?? "")"
        }
      }
    }

    static let environment = Dictionary(
      uniqueKeysWithValues: ["US_EAST", "EU_WEST", "AP_SOUTH"].flatMap { region in
        [("DOMICILE_\(region)_DSN", "host=/tmp dbname=a"), ("DOMICILE_\(region)_KEYS_DSN", "postgresql://u:hunter2@h/keys")]
      })
  }

  @Test func `three good files make a catalog in the order of ordinals`() throws {
    let catalog = try Files().load()
    #expect(catalog.regions.map(\.id.rawValue) == ["us-east", "eu-west", "ap-south"])
    let id = try #require(RegionID("eu-west"))
    let ordinal = try #require(RegionOrdinal(2))
    let region = try #require(catalog[id])
    #expect(catalog[ordinal] == region)
    #expect(region.jurisdiction == Jurisdiction("IE"))
    #expect(region.coordinator.listen.description == "127.0.0.1:7102")
    #expect(region.peer.url.text == "https://localhost:7202")
    #expect(region.store?.dsn.text == "host=/tmp dbname=a")
    #expect(region.audit.witnesses.map(\.rawValue) == ["us-east", "ap-south"])
    #expect(region.source.file == "regions/eu-west.yaml")
  }

  @Test func `the repository's own files are a catalog`() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../regions").standardized
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path()).filter { $0.hasSuffix(".yaml") }.map { name in
      ("regions/\(name)", try String(contentsOf: folder.appending(path: name), encoding: .utf8))
    }
    let catalog = try RegionCatalog.load(files, environment: Files.environment, stores: .all)
    #expect(catalog.regions.map(\.coordinator.listen.port) == [7101, 7102, 7103])
    #expect(catalog.regions.map(\.peer.listen.port) == [7201, 7202, 7203])
    #expect(catalog.regions.map(\.jurisdiction.rawValue) == ["US", "IE", "IN"])
  }

  @Test(arguments: [
    ("region: eu-west", "region: EU_West", "1 'EU_West' is not a region's name", "lower-case"),
    (
      "region: eu-west", "region: eu-wset", "1 region 'eu-wset' is described in the file eu-west.yaml",
      "name the file 'eu-wset.yaml'"
    ),
    ("ordinal: 2", "ordinal: 0", "2 '0' is not an ordinal", "from 1 to 65535"),
    ("ordinal: 2", "ordinal: two", "2 'two' is not an ordinal", "from 1 to 65535"),
    ("ordinal: 2", "ordinal: 1", "1 is already taken at regions/eu-west.yaml:2", "e.g. 4"),
    ("jurisdiction: IE", "jurisdiction: ie", "3 'ie' is not a jurisdiction", "did you mean 'IE'?"),
    ("jurisdiction: IE", "jurisdiction: UK", "3 'UK' is not a jurisdiction", "did you mean 'GB'?"),
    ("jurisdiction: IE", "jurisdiction: EEA", "3 'EEA' is not a jurisdiction", "is a group"),
    ("jurisdiction: IE", "jurisdiction: Ireland", "3 'Ireland' is not a jurisdiction", "ISO 3166-1"),
    ("name: The eu-west", "name: ''", "4 the name must have 1 to 80 characters", "e.g."),
    ("latitude: 53.35", "latitude: 91", "5 latitude '91' is not on Earth", "-90 to 90"),
    ("latitude: 53.35", "latitude: nan", "5 latitude 'nan' is not on Earth", "-90 to 90"),
    ("longitude: -6.26", "longitude: -181", "5 longitude '-181' is not on Earth", "-180 to 180"),
    ("longitude: -6.26", "longtude: -6.26", "5 location has no key 'longtude'", "did you mean 'longitude'?"),
    ("listen: 127.0.0.1:7102", "listen: 127.0.0.1", "6 coordinator.listen: '127.0.0.1' is not an address", "host and port"),
    ("listen: 127.0.0.1:7102", "listen: 127.0.0.1:70000", "6 coordinator.listen: '127.0.0.1:70000' is not an address", "65535"),
    ("listen: 127.0.0.1:7102", "listen: 127.0.0.1:7202", "7 listen address 127.0.0.1:7202 is already taken", "a port of its own"),
    ("listen: 127.0.0.1:7102", "listen: 0.0.0.0:7202", "7 listen address 127.0.0.1:7202 is already taken", "a port of its own"),
    ("https://localhost:7102", "http://localhost:7102", "6 coordinator.public must be an https URL", "'https://localhost:7102'"),
    (
      "https://localhost:7202", "https://localhost:7202/x", "7 peer.url must end behind host and port", "'https://localhost:7202'"
    ),
    ("https://localhost:7202", "https://u:p@localhost", "7 peer.url must hold no user or password", "remove"),
    ("https://localhost:7202", "https://localhost:7102", "7 URL localhost:7102 is already taken", "of its own"),
    ("store:", "stores:", "8 a region has no key 'stores'", "did you mean 'store'?"),
    ("${DOMICILE_EU_WEST_DSN}", "${DOMICILE_EU_WEST_DSN", "8 store.dsn has a '${' that names no variable", "${NAME}"),
    ("_KEYS_DSN}\" }", "_KEYS_DSN}\", confirmations: 17 }", "8 store.confirmations '17' is no number of standbys", "0 to 16"),
    ("_KEYS_DSN}\" }", "_KEYS_DSN}\", confirmations: one }", "8 store.confirmations 'one' is no number", "0 to 16"),
    (
      "eu-west.domicile.example/audit", "https://a/audit", "9 audit.origin 'https://a/audit' cannot name a log",
      "without its scheme"
    ),
    ("eu-west.domicile.example/audit", "a+b", "9 audit.origin 'a+b' cannot name a log", "without spaces"),
    ("us-east, ap-south", "us-eats, ap-south", "9 there is no region 'us-eats'", "did you mean 'us-east'?"),
    ("us-east, ap-south", "eu-west, ap-south", "9 eu-west cannot be its own witness", "ap-south, us-east"),
    ("us-east, ap-south", "us-east, us-east", "9 witness 'us-east' is named twice", "remove one"),
    ("us-east, ap-south", "", "9 eu-west has no witness outside IE", "ap-south, us-east"),
  ])
  func `an error in one file is found, with its line and what to write instead`(
    old: String, new: String, message: String, help: String
  ) {
    var files = Files()
    files.replace(old, by: new)
    let found = files.diagnostics()
    #expect(
      found.contains { line in
        let parts = line.components(separatedBy: " | ")
        return parts[0].contains(message) && parts[1].contains(help)
      }, "\(found)")
  }

  @Test func `a region may say how many standbys must confirm`() throws {
    var files = Files()
    #expect(try files.load().regions.map { $0.store?.confirmations } == [0, 0, 0])
    files.replace("_KEYS_DSN}\" }", by: "_KEYS_DSN}\", confirmations: 2 }")
    #expect(try files.load().regions.map { $0.store?.confirmations } == [0, 2, 0])
  }

  @Test func `names, ordinals and origins are unique`() {
    var files = Files()
    files.texts["eu-north"] = files.texts["eu-west"]?.replacingOccurrences(of: "region: eu-west", with: "region: eu-west")
    let found = files.diagnostics()
    for what in [
      "region eu-west is already taken", "ordinal 2 is", "audit.origin eu-west.domicile.example/audit is", "listen address",
    ] {
      #expect(found.contains { $0.contains(what) }, "\(what): \(found)")
    }
  }

  @Test func `every error of every file is reported at once`() {
    var files = Files()
    files.replace("ordinal: 2", by: "ordinal: x")
    files.replace("jurisdiction: IE", by: "jurisdiction: EU")
    files.replace("https://localhost:7102", by: "localhost")
    files.replace("latitude: 53.35", by: "latitude: 100", in: "us-east")
    files.texts["ap-south"] = "region: [\n"
    #expect(files.diagnostics().count == 5, "\(files.diagnostics())")
  }

  @Test func `what an unreadable file would say is held against no other file`() throws {
    let local = try #require(RegionID("us-east"))
    var files = Files()
    files.texts["us-east"] = "region: [\n"
    let found = files.diagnostics(stores: .of(local))
    #expect(found.count == 1, "\(found)")
    #expect(found.first?.hasPrefix("regions/us-east.yaml") == true)
  }

  @Test func `a region needs a witness outside its country only where there is one`() throws {
    var files = Files()
    files.texts["us-east"] = nil
    files.texts["ap-south"] = nil
    files.replace("us-east, ap-south", by: "")
    #expect(try files.load().regions.count == 1)
  }

  @Test func `another part of the same country is not another jurisdiction`() {
    var files = Files()
    files.replace("jurisdiction: IN", by: "jurisdiction: US-CA", in: "ap-south")
    files.replace("eu-west, ap-south", by: "ap-south", in: "us-east")
    #expect(files.diagnostics().contains { $0.contains("us-east has no witness outside US") && $0.contains("eu-west") })
  }

  @Test func `regions that bind all addresses of their own machines may use one port`() throws {
    var files = Files()
    for (name, ordinal) in [("us-east", 1), ("eu-west", 2), ("ap-south", 3)] {
      files.replace("listen: 127.0.0.1:710\(ordinal)", by: "listen: 0.0.0.0:7443", in: name)
    }
    #expect(try files.load().regions.count == 3)
  }

  @Test func `a missing variable is an error of the local region only`() throws {
    let eu = try #require(RegionID("eu-west"))
    let us = try #require(RegionID("us-east"))
    let onlyEU = Files.environment.filter { $0.key.contains("EU_WEST") }
    let catalog = try Files().load(onlyEU, stores: .of(eu))
    #expect(catalog[eu]?.store != nil)
    #expect(catalog[us]?.store == nil)
    #expect(Files().diagnostics(onlyEU, stores: .of(us)).count == 2)
    #expect(Files().diagnostics(onlyEU, stores: .all).count == 4)
    #expect(Files().diagnostics([:], stores: .none) == [])
    let line = Files().diagnostics(onlyEU, stores: .of(us)).first
    #expect(line?.contains("DOMICILE_US_EAST_DSN, which is not set") == true)
    #expect(line?.contains("regions/us-east.yaml:8") == true)
  }

  @Test func `an unknown local region is an error that names the one meant`() throws {
    let id = try #require(RegionID("eu-wets"))
    #expect(Files().diagnostics(stores: .of(id)) == ["regions:1 there is no region 'eu-wets' | did you mean 'eu-west'?"])
  }

  @Test func `no files are an error`() {
    #expect(throws: ConfigurationError.self) { try RegionCatalog.load([], environment: [:], stores: .none) }
  }

  @Test func `a password in a database address is in no message`() {
    var files = Files()
    files.replace("${DOMICILE_EU_WEST_DSN}", by: "mysql://u:hunter2@h/d")
    files.replace("${DOMICILE_EU_WEST_KEYS_DSN}", by: "${DOMICILE_EU_WEST_KEYS_DSN}${NO}")
    let found = files.diagnostics(["DOMICILE_EU_WEST_KEYS_DSN": "hunter2"], stores: .all)
    #expect(found.contains { $0.contains("not a PostgreSQL connection string") })
    #expect(!found.joined().contains("hunter2"))
  }

  @Test func `a descriptor prints no password`() throws {
    #expect(!"\(try Files().load())".contains("hunter2"))
  }

  @Test func `a default stands in for a missing variable everywhere in a file`() throws {
    var files = Files()
    files.replace("listen: 127.0.0.1:7102", by: "listen: \"${EU_LISTEN:-127.0.0.1:9999}\"")
    let id = try #require(RegionID("eu-west"))
    #expect(try files.load()[id]?.coordinator.listen.port == 9999)
    let environment = Files.environment.merging(["EU_LISTEN": "0.0.0.0:1"], uniquingKeysWith: { $1 })
    #expect(try files.load(environment)[id]?.coordinator.listen.description == "0.0.0.0:1")
  }

  @Test func `the revision is what regions must agree on, and no more`() throws {
    let revision = try Files().load().revisionText
    #expect(try Files().load([:], stores: .none).revisionText == revision)
    #expect(!revision.contains("hunter2"))
    var elsewhere = Files()
    elsewhere.replace("listen: 127.0.0.1:7102", by: "listen: 0.0.0.0:7102")
    #expect(try elsewhere.load().revisionText == revision)
    for (old, new) in [
      ("jurisdiction: IE", "jurisdiction: FR"), ("7102\"", "7109\""), ("us-east, ap-south", "us-east"),
      ("ordinal: 2", "ordinal: 9"),
    ] {
      var files = Files()
      files.replace(old, by: new)
      #expect(try files.load().revisionText != revision, "\(new)")
    }
  }
}

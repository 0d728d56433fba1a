package import Coordinator
import Residency

/// A certificate for `localhost` with its key, of an authority of its own.
package struct TestIdentity: Sendable {
  package let leaf: StateFolder.KeyPair
  package let authority: StateFolder.KeyPair

  /// - Parameter folder: made where missing, and left: it is the caller's to remove.
  package init(in folder: String) throws {
    let state = StateFolder(folder)
    let catalog = try RegionCatalog.load([("eu.yaml", Self.region)], environment: [:], stores: .none)
    try DevelopmentAuthority(state: state).prepare(catalog)
    leaf = state.appIdentity(of: catalog.regions[0].id)
    authority = state.authority
  }

  private static let region = """
    region: eu
    ordinal: 1
    jurisdiction: IE
    name: Test
    location: { latitude: 53.35, longitude: -6.26 }
    coordinator: { listen: 127.0.0.1:1, public: "https://localhost:1" }
    peer: { listen: 127.0.0.1:2, url: "https://localhost:2" }
    store: { dsn: "${DSN}", keys_dsn: "${KEYS_DSN}" }
    audit: { origin: eu.domicile.example/audit, witnesses: [] }

    """
}

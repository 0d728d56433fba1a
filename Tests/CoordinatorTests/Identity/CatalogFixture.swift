import Residency

/// Two regions, with names of their own in one's URLs.
enum CatalogFixture {
  static func catalog(publicURL: String = "https://eu.example.com:7102", peerURL: String = "https://192.0.2.7:7202") throws
    -> RegionCatalog
  {
    func file(_ name: String, _ ordinal: Int, _ jurisdiction: String, _ publicURL: String, _ peerURL: String, _ witness: String)
      -> (
        path: String, text: String
      )
    {
      (
        "regions/\(name).yaml",
        """
        region: \(name)
        ordinal: \(ordinal)
        jurisdiction: \(jurisdiction)
        name: \(name)
        location: { latitude: 0, longitude: 0 }
        coordinator: { listen: 127.0.0.1:710\(ordinal), public: "\(publicURL)" }
        peer: { listen: 127.0.0.1:720\(ordinal), url: "\(peerURL)" }
        store: { dsn: "${A}", keys_dsn: "${B}" }
        audit: { origin: \(name).example/audit, witnesses: [\(witness)] }
        """
      )
    }
    return try RegionCatalog.load(
      [
        file("us-east", 1, "US", "https://localhost:7101", "https://localhost:7201", "eu-west"),
        file("eu-west", 2, "IE", publicURL, peerURL, "us-east"),
      ], environment: [:], stores: .none)
  }
}

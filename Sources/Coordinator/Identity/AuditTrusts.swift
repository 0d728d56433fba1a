import AuditTrail
import Logging
import Residency

/// The regions' trust files: whose keys count for which log. The same files are given to auditors; nothing in them is secret.
struct AuditTrusts: Sendable {
  private let policies: [RegionID: TrustPolicy]

  /// A region without a file is not followed, and has no witnesses.
  /// - Throws: `ConfigurationError` where a file is not one.
  init(_ state: StateFolder, _ catalog: RegionCatalog, _ logger: Logger) throws {
    var policies: [RegionID: TrustPolicy] = [:]
    for region in catalog.members {
      let path = state.auditTrust(of: region.id)
      guard let text = DurableFile.text(at: path) else {
        logger.warning(
          "there is no trust file of a region: its audit log is not witnessed here. 'domicile certs' writes it, or copy it here",
          metadata: ["region": "\(region.id)", "path": "\(path)"])
        continue
      }
      policies[region.id] = try TrustPolicy(parsing: Array(text.utf8), file: path)
    }
    self.policies = policies
  }

  subscript(region: RegionID) -> TrustPolicy? { policies[region] }

  func logs(except region: RegionID) -> [VerifierKey] {
    policies.filter { $0.key != region }.values.flatMap { $0.logs.map(\.key) }
  }
}

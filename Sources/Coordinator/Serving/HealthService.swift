import ConnectRPC
import DomicileAPI
import RegionStore
import SwiftProtobuf

/// Whether this coordinator is alive, whether it can serve, how it does, and what its API is. Asked without a token; nothing of it is
/// about anybody.
struct HealthService: Sendable {
  let store: RegionStore
  let directory: DirectoryMetrics
  let audit: AuditMetrics
  let renderMetrics: @Sendable () -> String

  var method: UnaryMethod {
    UnaryMethod("grpc.health.v1.Health", "Check", noSideEffects: true) {
      (request: Grpc_Health_V1_HealthCheckRequest, _: CallContext) in
      guard request.service.isEmpty || request.service.hasPrefix("domicile.v1.") else {
        throw ConnectError(.notFound, reason: "UNKNOWN_SERVICE", "This server has no such service.")
      }
      return Grpc_Health_V1_HealthCheckResponse.with { $0.status = .serving }
    }
  }

  var routes: [RawRoute] {
    [
      RawRoute("/healthz") { _, _, _ in RawResponse(text: "ok\n") },
      RawRoute("/readyz") { _, _, context in
        guard !context.isServerStopping else { return RawResponse(status: 503, text: "this coordinator is shutting down\n") }
        guard await store.isReady() else { return RawResponse(status: 503, text: "the store does not answer\n") }
        return RawResponse(text: "ready\n")
      },
      RawRoute("/openapi.json") { _, _, _ in RawResponse(contentType: "application/json", text: OpenAPI.document) },
      RawRoute("/metrics") { _, _, _ in
        directory.update()
        audit.update()
        return RawResponse(contentType: "text/plain; version=0.0.4; charset=utf-8", text: renderMetrics())
      },
    ]
  }
}

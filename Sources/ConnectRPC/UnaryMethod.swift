package import SwiftProtobuf

/// One method of a service: where it is called, and the handler that answers.
///
/// A ``ConnectError`` thrown by the handler goes to the caller as it is. Any other error becomes `internal` with a message that
/// says nothing about it, and is logged with the identifier that the caller gets.
package struct UnaryMethod: Sendable {
  /// The full name of the service, such as `domicile.v1.RecordService`.
  package let service: String
  package let name: String
  /// Whether the method may also be called by GET.
  package let noSideEffects: Bool
  let invoke: @Sendable (ConnectCodec, [UInt8], CallContext) async throws -> [UInt8]

  package var path: String { "/\(service)/\(name)" }

  /// - Parameter noSideEffects: for methods marked `idempotency_level = NO_SIDE_EFFECTS` whose requests carry no personal
  ///   data, since the request of a GET is in its URL.
  package init<Request: Message, Response: Message>(
    _ service: String, _ name: String, noSideEffects: Bool = false,
    _ handler: @escaping @Sendable (Request, CallContext) async throws -> Response
  ) {
    self.service = service
    self.name = name
    self.noSideEffects = noSideEffects
    invoke = { codec, body, context in
      let request = try codec.decode(Request.self, from: body)
      return try codec.encode(try await handler(request, context))
    }
  }
}

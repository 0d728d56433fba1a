package import SwiftProtobuf

/// A message that says more about a failure.
package struct ErrorDetail: Sendable, Equatable {
  /// The full name of the message's type, such as `google.rpc.ErrorInfo`.
  package let type: String
  /// The binary message.
  package let value: [UInt8]
  /// The message in JSON, for people; never read by programs.
  package let debugJSON: String?

  package init(type: String, value: [UInt8], debugJSON: String? = nil) {
    self.type = type
    self.value = value
    self.debugJSON = debugJSON
  }

  /// - Throws: `BinaryEncodingError` where a required field of a proto2 message is missing.
  package init(_ message: some Message) throws {
    self.init(
      type: Swift.type(of: message).protoMessageName,
      value: try message.serializedBytes(),
      debugJSON: try? message.jsonString())
  }

  init(reason: String, metadata: [String: String]) {
    var info = Google_Rpc_ErrorInfo()
    info.reason = reason
    info.domain = ConnectError.domain
    info.metadata = metadata
    self.init(wellKnown: info)
  }

  init(retryDelay: Duration) {
    let (seconds, attoseconds) = retryDelay.components
    var retry = Google_Rpc_RetryInfo()
    retry.retryDelay = Google_Protobuf_Duration(seconds: seconds, nanos: Int32(attoseconds / 1_000_000_000))
    self.init(wellKnown: retry)
  }

  /// For proto3 messages: they have no required fields, so that serialization cannot fail.
  private init(wellKnown message: some Message) {
    do {
      try self.init(message)
    } catch {
      self.init(type: Swift.type(of: message).protoMessageName, value: [])
    }
  }
}

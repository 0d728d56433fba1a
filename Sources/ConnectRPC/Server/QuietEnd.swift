import NIOCore

/// Ends an HTTP/2 connection of a server that stops, a while after its last call. Its peer has been told; one that is frozen, or whose
/// machine is gone, would keep the server up for as long as the longest call may take.
final class QuietEnd: ChannelInboundHandler, RemovableChannelHandler, Sendable {
  typealias InboundIn = NIOAny

  private let tasks: ConnectionTasks
  /// For what the peer sent before it heard.
  private let patience: TimeAmount

  init(_ tasks: ConnectionTasks, after patience: TimeAmount) {
    self.tasks = tasks
    self.patience = patience
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is ChannelShouldQuiesceEvent {
      let (channel, tasks) = (context.channel, tasks)
      context.eventLoop.scheduleTask(in: patience) { tasks.whenEnded { channel.close(promise: nil) } }
    }
    context.fireUserInboundEventTriggered(event)
  }
}

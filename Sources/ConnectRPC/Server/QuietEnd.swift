import NIOCore

/// Ends a connection of a server that stops, a while after its last call. Its peer has been told; one that is frozen, or whose
/// machine is gone, would keep the server up for as long as the longest call may take.
///
/// It is there from the beginning of a connection: one that is still being agreed on when the server stops is not told by anybody else.
final class QuietEnd: ChannelInboundHandler, RemovableChannelHandler, Sendable {
  typealias InboundIn = NIOAny

  private let tasks: ConnectionTasks
  /// For what the peer sent before it heard.
  private let patience: TimeAmount
  private let isForced: Bool

  /// - Parameter isForced: whether the connection ends even if a stream does not: over HTTP/2 a server is told to stop once all answers have
  ///   left, so that what is at work then was refused, or is of a peer that takes nothing in.
  init(_ tasks: ConnectionTasks, after patience: TimeAmount, isForced: Bool = false) {
    self.tasks = tasks
    self.patience = patience
    self.isForced = isForced
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is ChannelShouldQuiesceEvent {
      tasks.quiesce()
      let (channel, tasks, isForced) = (context.channel, tasks, isForced)
      context.eventLoop.scheduleTask(in: patience) {
        if isForced { channel.close(promise: nil) } else { tasks.whenEnded { channel.close(promise: nil) } }
      }
    }
    context.fireUserInboundEventTriggered(event)
  }
}

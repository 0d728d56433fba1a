import NIOCore

/// The end of a connection's pipeline, which makes its calls. Everything happens on the connection's event loop.
///
/// ```
/// opening -> ready (TLS is established) -> loading (it was told to begin) -> ended (the time is over, or the connection broke)
/// ```
protocol LoadConnection: ChannelInboundHandler {
  /// Makes the loop's calls until its time is over.
  func begin(_ loop: CallLoop)
}

/// What a connection tells.
struct LoadPromises {
  /// TLS is established: calls may begin.
  let ready: EventLoopPromise<Void>
  let finished: EventLoopPromise<LoadResult>

  init(on eventLoop: any EventLoop) {
    ready = eventLoop.makePromise()
    finished = eventLoop.makePromise()
  }

  func end(_ result: Result<LoadResult, any Error>) {
    ready.fail(ChannelError.eof)
    finished.completeWith(result)
  }
}

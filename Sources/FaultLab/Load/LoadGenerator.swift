import NIOCore
import NIOPosix
import NIOSSL

/// Calls a coordinator over a number of connections at once, each with its own script. Bounded in time: it ends by itself.
package struct LoadGenerator: Sendable {
  package struct Plan: Sendable {
    package var connections: Int
    package var warmUp: Duration
    package var measured: Duration
    /// All connections together, in calls a second; `nil`: each connection calls again as soon as it is answered.
    package var callsPerSecond: Double?

    package init(connections: Int, warmUp: Duration, measured: Duration, callsPerSecond: Double? = nil) {
      self.connections = connections
      self.warmUp = warmUp
      self.measured = measured
      self.callsPerSecond = callsPerSecond
    }
  }

  private let target: LoadTarget

  package init(_ target: LoadTarget) { self.target = target }

  /// - Parameter script: the calls of the connection with that number, from 0.
  /// - Throws: where a connection cannot be opened, or breaks.
  package func run(_ plan: Plan, script: @Sendable (_ connection: Int) -> any LoadScript) async throws -> LoadResult {
    // One thread: what it cannot do in time shows as the client's limit, and the server keeps the rest of the machine.
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    do {
      let result = try await run(plan, on: group, script: script)
      try await group.shutdownGracefully()
      return result
    } catch {
      try? await group.shutdownGracefully()
      throw error
    }
  }

  private func run(
    _ plan: Plan, on group: MultiThreadedEventLoopGroup, script: @Sendable (Int) -> any LoadScript
  ) async throws -> LoadResult {
    let start = NIODeadline.now()
    let measuredFrom = start + TimeAmount(plan.warmUp)
    let schedule = LoadHandler.Schedule(
      measuredFrom: measuredFrom, until: measuredFrom + TimeAmount(plan.measured),
      interval: plan.callsPerSecond.map { TimeAmount.nanoseconds(Int64(Double(plan.connections) / $0 * 1e9)) })
    var results: [EventLoopFuture<LoadResult>] = []
    for connection in 0..<plan.connections {
      let finished = group.next().makePromise(of: LoadResult.self)
      let script = script(connection)
      let target = target
      _ = try await ClientBootstrap(group: group)
        .channelOption(.tcpOption(.tcp_nodelay), value: 1)
        .channelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(NIOSSLClientHandler(context: target.tls, serverHostname: target.host))
            try channel.pipeline.syncOperations.addHandler(LoadHandler(target, script, schedule, finished: finished))
          }
        }
        .connect(host: target.host, port: target.port).get()
      results.append(finished.futureResult)
    }
    var total = LoadResult()
    for result in results { total.add(try await result.get()) }
    return total
  }
}

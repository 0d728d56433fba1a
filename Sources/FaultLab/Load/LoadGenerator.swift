import NIOCore
import NIOHTTP2
import NIOPosix
import NIOSSL

/// Calls a coordinator over a number of connections at once, each with its own script. Bounded in time: it ends by itself.
package struct LoadGenerator: Sendable {
  package struct Plan: Sendable {
    package var connections: Int
    /// Calls under way at once on each connection: one over HTTP/1.1, more over HTTP/2.
    package var callsAtOnce: Int
    package var warmUp: Duration
    package var measured: Duration
    /// All connections together, in calls a second; `nil`: each call is followed by the next as soon as it is answered.
    package var callsPerSecond: Double?

    package init(
      connections: Int, callsAtOnce: Int = 1, warmUp: Duration, measured: Duration, callsPerSecond: Double? = nil
    ) {
      self.connections = connections
      self.callsAtOnce = callsAtOnce
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
    var connections: [Connection] = []
    for _ in 0..<plan.connections { connections.append(try await connect(on: group, multiplexed: plan.callsAtOnce > 1)) }
    let start = NIODeadline.now()
    let measuredFrom = start + TimeAmount(plan.warmUp)
    let lanes = plan.connections * plan.callsAtOnce
    let schedule = CallLoop.Schedule(
      measuredFrom: measuredFrom, until: measuredFrom + TimeAmount(plan.measured),
      interval: plan.callsPerSecond.map { TimeAmount.nanoseconds(Int64(Double(lanes) / $0 * 1e9)) })
    for (number, connection) in connections.enumerated() {
      // At even distances: calls that come at a pace do not come all at once.
      let starts = (0..<plan.callsAtOnce).map { lane in
        let place = Int64(number * plan.callsAtOnce + lane)
        return start + .nanoseconds((schedule.interval?.nanoseconds ?? 0) * place / Int64(lanes))
      }
      connection.begin(CallLoop(schedule, script(number), starts: starts))
    }
    var total = LoadResult()
    for connection in connections { total.add(try await connection.result.get()) }
    return total
  }

  /// One that is established.
  private struct Connection {
    let begin: LoadPromises.Begin
    let result: EventLoopFuture<LoadResult>
  }

  private func connect(on group: MultiThreadedEventLoopGroup, multiplexed: Bool) async throws -> Connection {
    let promises = LoadPromises(on: group.next())
    do {
      _ = try await open(promises, on: group, multiplexed: multiplexed)
    } catch {
      promises.end(.failure(error))
      throw error
    }
    return Connection(
      begin: try await promises.ready.futureResult.get(), result: promises.finished.futureResult)
  }

  private func open(
    _ promises: LoadPromises, on group: MultiThreadedEventLoopGroup, multiplexed: Bool
  ) async throws -> any NIOCore.Channel {
    let target = target
    return try await ClientBootstrap(group: group)
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let pipeline = channel.pipeline.syncOperations
          try pipeline.addHandler(
            NIOSSLClientHandler(context: target.tls(multiplexed: multiplexed), serverHostname: target.host))
          if multiplexed {
            try pipeline.addHandlers([HTTP2Framing.handler(), LoadConnection(HTTP2Framing(target), promises)])
          } else {
            try pipeline.addHandler(LoadConnection(HTTP1Framing(target), promises))
          }
        }
      }
      .connect(host: target.host, port: target.port).get()
  }
}

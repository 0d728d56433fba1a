import NIOCore
import NIOPosix
import Synchronization

/// Stands between a coordinator and the nodes of its PostgreSQL, and loses acknowledgements of commits when told to.
///
/// It listens on a port of 127.0.0.1 for each node, so that a connection string that names all of them keeps its meaning. All of it runs
/// on one thread of its own.
package final class CommitRelay: Sendable {
  /// A node's PostgreSQL.
  package struct Node: Sendable, Hashable {
    package let host: String
    package let port: Int

    package init(host: String, port: Int) {
      self.host = host
      self.port = port
    }
  }

  private let group: MultiThreadedEventLoopGroup
  private let listeners: [any NIOCore.Channel]
  private let losses: CommitLosses
  /// Where the nodes are reached through the relay, in their order.
  package let ports: [Int]

  /// - Throws: where a port cannot be opened.
  package static func start(to nodes: [Node]) async throws -> CommitRelay {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let losses = CommitLosses()
    var listeners: [any NIOCore.Channel] = []
    do {
      for node in nodes {
        let address = try SocketAddress(ipAddress: node.host, port: node.port)
        listeners.append(try await listen(for: address, on: group, losses))
      }
    } catch {
      for listener in listeners { try? await listener.close() }
      try? await group.shutdownGracefully()
      throw error
    }
    return CommitRelay(group, listeners, losses)
  }

  private init(_ group: MultiThreadedEventLoopGroup, _ listeners: [any NIOCore.Channel], _ losses: CommitLosses) {
    self.group = group
    self.listeners = listeners
    self.losses = losses
    ports = listeners.compactMap { $0.localAddress?.port }
  }

  /// The next commit that a client sends, on whichever connection, reaches the server; what the server answers from then on is dropped,
  /// and when it has acknowledged the commit, the connection is broken.
  package func loseNextAcknowledgement() { losses.arm() }

  /// What was told last is forgotten, where no commit has come yet.
  package func loseNothing() { losses.disarm() }

  /// How many acknowledgements were lost so far.
  package var lostCount: Int { losses.count }

  /// Breaks all connections.
  package func stop() async {
    for listener in listeners { try? await listener.close() }
    try? await group.shutdownGracefully()
  }

  private static func listen(
    for node: SocketAddress, on group: MultiThreadedEventLoopGroup, _ losses: CommitLosses
  ) async throws -> any NIOCore.Channel {
    try await ServerBootstrap(group: group)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelInitializer { client in
        // A node that does not answer costs a client what it costs without the relay: two seconds, as its connection string says.
        ClientBootstrap(group: client.eventLoop)
          .connectTimeout(.seconds(2))
          .channelOption(.tcpOption(.tcp_nodelay), value: 1)
          .channelOption(.autoRead, value: false)
          .connect(to: node)
          .flatMapThrowing { server in
            let link = RelayLink(client: client, server: server, losses: losses)
            try client.pipeline.syncOperations.addHandler(RelayHandler(link, of: .client))
            try server.pipeline.syncOperations.addHandler(RelayHandler(link, of: .server))
            try server.syncOptions?.setOption(.autoRead, value: true)
          }
      }
      .bind(host: "127.0.0.1", port: 0).get()
  }
}

/// Which acknowledgements are to be lost, and how many were.
final class CommitLosses: Sendable {
  private struct State {
    var isArmed = false
    var count = 0
  }

  private let state = Mutex(State())

  var count: Int { state.withLock { $0.count } }

  func arm() { state.withLock { $0.isArmed = true } }
  func disarm() { state.withLock { $0.isArmed = false } }

  /// - Returns: whether the commit that is asked about is the one. Only one is.
  func take() -> Bool {
    state.withLock { state in
      defer { state.isArmed = false }
      return state.isArmed
    }
  }

  func noteLoss() { state.withLock { $0.count += 1 } }
}

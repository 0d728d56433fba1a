import NIOCore
import NIOPosix
package import Residency

/// The network between the regions of a deployment on one machine, as bad as it is told to be: late, lossy, cut, either way or one way only.
///
/// Every region reaches every other one through a port of its own here. In user space, since the kernel's own means of delaying are not
/// to be had everywhere: so a piece is what was read at once, and a cut lets connections be opened that nothing comes through.
package final class LinkRelay: Sendable {
  private let group: MultiThreadedEventLoopGroup
  private let listeners: [LinkDirection: any NIOCore.Channel]
  private let links: LinkTable

  /// - Parameters:
  ///   - ports: where each region's peer service listens on 127.0.0.1.
  ///   - seed: of what is lost.
  /// - Throws: where a port cannot be opened.
  package static func start(between ports: [RegionID: Int], seed: UInt64) async throws -> LinkRelay {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let links = LinkTable(seed: seed)
    var listeners: [LinkDirection: any NIOCore.Channel] = [:]
    do {
      for from in ports.keys {
        for (to, port) in ports where to != from {
          let direction = LinkDirection(from: from, to: to)
          listeners[direction] = try await listen(direction, port: port, on: group, links)
        }
      }
    } catch {
      for listener in listeners.values { try? await listener.close() }
      try? await group.shutdownGracefully()
      throw error
    }
    return LinkRelay(group, listeners, links)
  }

  private init(_ group: MultiThreadedEventLoopGroup, _ listeners: [LinkDirection: any NIOCore.Channel], _ links: LinkTable) {
    self.group = group
    self.listeners = listeners
    self.links = links
  }

  /// Where `from` reaches `to`: a port of 127.0.0.1.
  package func port(from: RegionID, to: RegionID) -> Int? {
    listeners[LinkDirection(from: from, to: to)]?.localAddress?.port
  }

  /// One way of a link, from now on.
  package func set(_ condition: LinkCondition, _ direction: LinkDirection) { links[direction] = condition }

  /// Cuts these ways, and lets all others be whole. Delay and loss stay as they are.
  package func cut(_ directions: Set<LinkDirection>) {
    for direction in listeners.keys { links[direction].isCut = directions.contains(direction) }
  }

  /// How many bytes have been sent one way, whatever became of them.
  package func sentBytes(_ direction: LinkDirection) -> Int { links.sentBytes(over: direction) }

  /// Breaks all connections.
  package func stop() async {
    for listener in listeners.values { try? await listener.close() }
    try? await group.shutdownGracefully()
  }

  private static func listen(
    _ direction: LinkDirection, port: Int, on group: MultiThreadedEventLoopGroup, _ links: LinkTable
  ) async throws -> any NIOCore.Channel {
    let address = try SocketAddress(ipAddress: "127.0.0.1", port: port)
    return try await ServerBootstrap(group: group)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelInitializer { caller in
        ClientBootstrap(group: caller.eventLoop)
          .connectTimeout(.seconds(2))
          .channelOption(.tcpOption(.tcp_nodelay), value: 1)
          .channelOption(.autoRead, value: false)
          .connect(to: address)
          .flatMapThrowing { called in
            let connection = LinkConnection(caller: caller, called: called, direction: direction, links: links)
            try caller.pipeline.syncOperations.addHandler(LinkHandler(connection, of: .caller))
            try called.pipeline.syncOperations.addHandler(LinkHandler(connection, of: .called))
            try called.syncOptions?.setOption(.autoRead, value: true)
          }
      }
      .bind(host: "127.0.0.1", port: 0).get()
  }
}

import CoreFoundation
import FoundationEssentials
import Glibc

/// Where a private cluster's parts lie.
struct ClusterFolder: Sendable {
  let path: String
  let account: ServerAccount

  var data: String { path + "/data" }
  /// Becomes `data` once it is complete.
  var dataInMaking: String { path + "/data.new" }
  var log: String { path + "/server.log" }
  /// In libpq's `.pgpass` form; readable by this process's user alone.
  var passwordFile: String { path + "/pgpass" }
  /// A standby's, to connect to its primary: the same password, readable by the server's user alone.
  var replicationPasswordFile: String { path + "/replication.pgpass" }
  var serverCertificate: String { path + "/server.crt" }
  var serverKey: String { path + "/server.key" }
  var trustedAuthority: String { path + "/authority.crt" }
  /// Makes a server a standby.
  var standbySignal: String { data + "/standby.signal" }
  var settings: String { data + "/domicile.conf" }
  var hasData: Bool { access(data + "/PG_VERSION", F_OK) == 0 }

  /// Where the server's Unix socket is. A socket's path is at most 107 bytes long, so that a deep folder's lies elsewhere.
  var socket: String {
    let near = path + "/socket"
    // "/.s.PGSQL.65535.lock" is the longest name that the server makes there.
    guard near.utf8.count + 20 > 107 else { return near }
    return "/tmp/domicile-\(account.userID)-\(Self.fingerprint(of: path))"
  }

  /// - Parameter path: Made absolute.
  init(_ path: String, account: ServerAccount) {
    let absolute = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    var trimmed = absolute
    while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
    self.path = trimmed
    self.account = account
  }

  /// Makes the folders, the server's own and closed to others, and checks that the server's user reaches them.
  func prepare() async throws(PrivatePostgresError) {
    try make(path)
    try make(socket)
    let test = try await ChildProcess.run(try account.running(["/usr/bin/test", "-w", data.isPresent ? data : path]), in: "/")
    guard test.status == 0 else {
      throw PrivatePostgresError(
        "PostgreSQL's user (\(account.name)) cannot write in \(path)", because: "a folder above it is closed to that user",
        remedy: "Choose a folder elsewhere, or open the ones above it (chmod o+x).")
    }
  }

  /// Writes a file that only `owner` may read; an existing one is replaced as a whole.
  func write(_ text: String, to path: String, forServer: Bool) throws(PrivatePostgresError) {
    let draft = path + ".new"
    unlink(draft)
    let file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else { throw Self.unwritable(draft) }
    let bytes = Array(text.utf8)
    let written = Glibc.write(file, bytes, bytes.count)
    close(file)
    guard written == bytes.count else { throw Self.unwritable(draft) }
    if forServer { try account.own(draft) }
    guard rename(draft, path) == 0 else { throw Self.unwritable(path) }
  }

  /// What an interrupted making has left.
  func removeDataInMaking() throws(PrivatePostgresError) {
    do {
      if dataInMaking.isPresent { try FileManager.default.removeItem(atPath: dataInMaking) }
    } catch {
      throw PrivatePostgresError("\(dataInMaking) could not be removed", because: "\(error)", remedy: "Remove it by hand.")
    }
  }

  func putDataInPlace() throws(PrivatePostgresError) {
    guard rename(dataInMaking, data) == 0 else {
      throw PrivatePostgresError(
        "\(data) could not be put in place", because: SystemError.text(errno), remedy: "Remove the folder and try again.")
    }
  }

  /// The number that a primary and its standbys share, and no other cluster: the first eight bytes of `pg_control`.
  var systemIdentifier: UInt64? {
    guard let bytes = FileManager.default.contents(atPath: data + "/global/pg_control"), bytes.count >= 8 else { return nil }
    return bytes.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  private func make(_ folder: String) throws(PrivatePostgresError) {
    do {
      if !folder.isPresent {
        let parent = String(folder[..<(folder.lastIndex(of: "/") ?? folder.startIndex)])
        if !parent.isEmpty { try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true) }
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw Self.unwritable(folder) }
      }
    } catch {
      throw PrivatePostgresError(
        "the folder \(folder) could not be made", because: "\(error)", remedy: "Choose a folder in a place that you may write.")
    }
    var status = stat()
    guard lstat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw PrivatePostgresError(
        "\(folder) cannot be used", because: "it is not a folder", remedy: "Remove it or choose another.")
    }
    guard [geteuid(), account.userID].contains(status.st_uid) else {
      throw PrivatePostgresError(
        "\(folder) cannot be used", because: "it belongs to another user", remedy: "Choose a folder of your own.")
    }
    guard chmod(folder, 0o700) == 0 else { throw Self.unwritable(folder) }
    try account.own(folder)
  }

  private static func unwritable(_ path: String) -> PrivatePostgresError {
    PrivatePostgresError(
      "\(path) could not be written", because: SystemError.text(errno), remedy: "Check its permissions and the free space.")
  }

  /// FNV-1a, 64 bits: a short name that is the same at every start.
  private static func fingerprint(of text: String) -> String {
    String(text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }, radix: 16)
  }
}

extension String {
  /// Whether something exists at this path.
  var isPresent: Bool { access(self, F_OK) == 0 }
}

internal import CLinux
internal import Dispatch
internal import Glibc
internal import Synchronization
internal import SystemPackage

/// A place where programs of this machine can connect to this one. Unix sockets are their owner's alone,
/// and go with the object.
public final class LocalListener: Sendable {
  /// Where it listens, with the port that the system chose.
  public let address: LocalAddress
  private let descriptor: Int32
  private let isClosed = Mutex(false)
  private let accepting = DispatchQueue(label: "varve.listener")

  /// Listens at `address`. A Unix socket that nobody listens at any more is replaced. Throws
  /// `.addressInUse`, or `.system`: no such directory, no permission, a name of more than 107 bytes.
  public init(at address: LocalAddress) throws(HostError) {
    let name = address.description
    switch address {
    case .unix(let path):
      try Self.removeAbandoned(path)
      descriptor = try Self.socket(AF_UNIX, name)
    case .loopback: descriptor = try Self.socket(AF_INET, name)
    }
    do throws(HostError) {
      switch address {
      case .unix(let path):
        try Self.bind(descriptor, toPath: path)
        self.address = address
      case .loopback(let port):
        self.address = .loopback(port: try Self.bind(descriptor, toPort: port, name))
      }
      // Until now nobody could connect: permissions are right before anyone can.
      _ = try systemCall("listen", name) { listen(descriptor, 4) }
    } catch {
      Glibc.close(descriptor)
      throw error
    }
  }

  deinit {
    close()
    Glibc.close(descriptor)
  }

  /// The next connection; nil if `close` was called.
  public func accept() async throws(HostError) -> LocalConnection? {
    let result = await withCheckedContinuation { waiting in
      accepting.async { [self] in
        waiting.resume(returning: Result { () throws(HostError) in try acceptNow() })
      }
    }
    // Connections that waited may still come after the end.
    if isClosed.withLock({ $0 }) { return nil }
    return LocalConnection(try result.get())
  }

  private func acceptNow() throws(HostError) -> LocalSocket {
    let name = address.description
    let accepted = try systemCall("accept", name) {
      accept4(descriptor, nil, nil, Int32(SOCK_CLOEXEC.rawValue))
    }
    if case .loopback = address {
      // Packets are small and each waits for the other.
      var yes: Int32 = 1
      // Safe: `yes` outlives the call. Failing costs only time.
      _ = unsafe setsockopt(
        accepted, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
    }
    return LocalSocket(adopting: accepted, path: name)
  }

  /// Ends listening, and takes a Unix socket's name away. Connections that were accepted remain.
  public func close() {
    let wasClosed = isClosed.withLock { value in
      defer { value = true }
      return value
    }
    guard !wasClosed else { return }
    // Wakes who waits in accept(2).
    _ = shutdown(descriptor, Int32(SHUT_RDWR))
    if case .unix(let path) = address {
      // Safe: Swift passes the string as a NUL-terminated copy that outlives the call.
      _ = unsafe unlink(path)
    }
  }
}

extension LocalListener {
  private static func socket(_ family: Int32, _ name: String) throws(HostError) -> Int32 {
    try systemCall("socket", name) {
      Glibc.socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    }
  }

  /// Removes the socket at `path` if nobody listens at it.
  private static func removeAbandoned(_ path: String) throws(HostError) {
    do throws(HostError) {
      _ = try LocalSocket(connectingTo: path, timeout: .seconds(1))
    } catch {
      switch error {
      case .system(_, _, .noSuchFileOrDirectory): return
      case .system(_, _, .connectionRefused):
        guard isSocket(path) else { throw .addressInUse(path: path) }
        // Safe: Swift passes the string as a NUL-terminated copy that outlives the call.
        _ = try systemCall("unlink", path) { unsafe unlink(path) }
        return
      default: throw error
      }
    }
    throw .addressInUse(path: path)
  }

  /// connect(2) says the same of other files as of abandoned sockets.
  private static func isSocket(_ path: String) -> Bool {
    var status = stat()
    // Safe: `status` outlives the call.
    return unsafe lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
  }

  private static func bind(_ descriptor: Int32, toPath path: String) throws(HostError) {
    var address = try LocalSocket.address(path)
    // Safe: `address` outlives the call, which is told its size.
    _ = try systemCall("bind", path) {
      unsafe withUnsafePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe Glibc.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
    }
    // Safe: Swift passes the string as a NUL-terminated copy that outlives the call.
    _ = try systemCall("chmod", path) { unsafe chmod(path, 0o600) }
  }

  /// Gives the port.
  private static func bind(
    _ descriptor: Int32, toPort port: UInt16, _ name: String
  ) throws(HostError) -> UInt16 {
    var yes: Int32 = 1
    // A port that was in use a moment ago may be taken again. Safe: `yes` outlives the call.
    _ = try systemCall("setsockopt", name) {
      unsafe setsockopt(
        descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    // Safe: `address` and `size` outlive the calls, which are told the size.
    _ = try systemCall("bind", name) {
      unsafe withUnsafePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe Glibc.bind(descriptor, $0, size)
        }
      }
    }
    _ = try systemCall("getsockname", name) {
      unsafe withUnsafeMutablePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe getsockname(descriptor, $0, &size)
        }
      }
    }
    return UInt16(bigEndian: address.sin_port)
  }
}

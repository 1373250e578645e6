internal import Bytes
internal import Glibc
internal import SystemPackage

/// A connection to a Unix socket. It is closed when the last reference goes.
public final class LocalSocket: Sendable {
  /// The socket's name in the file system.
  public let path: String
  let descriptor: Int32

  /// Connects to the socket at `path`. Throws `.system`: no such file, nobody listens, no permission;
  /// ENAMETOOLONG for more than the 107 bytes that `sockaddr_un` has room for; EAGAIN if whoever
  /// listens takes no connection within `timeout`.
  public init(connectingTo path: String, timeout: Duration) throws(HostError) {
    self.path = path
    descriptor = try systemCall("socket", path) {
      socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    }
    do throws(HostError) {
      var address = try Self.address(path)
      var limit = timeval(tv_sec: max(1, Int(timeout.components.seconds)), tv_usec: 0)
      // Safe: `limit` and `address` outlive the calls, which are told their sizes.
      _ = try systemCall("setsockopt", path) {
        unsafe setsockopt(
          descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
      }
      _ = try systemCall("connect", path) {
        unsafe withUnsafePointer(to: &address) { pointer in
          unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
          }
        }
      }
    } catch {
      close(descriptor)
      throw error
    }
  }

  /// A connection that was made already; `descriptor` belongs to this object from now on.
  init(adopting descriptor: Int32, path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  deinit { close(descriptor) }

  /// Ends the connection both ways: who waits for bytes gets none.
  func hangUp() {
    // It can only fail because the other side has gone, which is as good.
    _ = shutdown(descriptor, Int32(SHUT_RDWR))
  }

  static func address(_ path: String) throws(HostError) -> sockaddr_un {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let name = Array(path.utf8)
    // Safe: only as many bytes are written as the field has, less one for the NUL that is there.
    let fits = unsafe withUnsafeMutableBytes(of: &address.sun_path) { field in
      guard name.count < field.count else { return false }
      unsafe field.copyBytes(from: name)
      return true
    }
    guard fits, !name.isEmpty else {
      throw .system(call: "connect", path: path, code: .fileNameTooLong)
    }
    return address
  }

  /// Sends all of `bytes`. Throws EPIPE if the other side has gone.
  public func send(_ bytes: [UInt8]) throws(HostError) {
    var rest = ByteView(copying: bytes)
    while !rest.isEmpty {
      // Safe: the view's bytes outlive the call.
      let sent = try systemCall("send", path) {
        unsafe rest.withUnsafeBytes {
          unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
      }
      rest = rest.clampedSubview(at: UInt64(sent), count: .max)
    }
  }

  /// What comes next, at most `limit` bytes: none if the other side has closed the connection, nil if
  /// nothing comes before `deadline`.
  public func receive(
    limit: Int = 1 << 16, before deadline: ContinuousClock.Instant
  ) throws(HostError) -> [UInt8]? {
    let ready = try systemCall("poll", path) {
      var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let left = deadline - .now
      let milliseconds =
        left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000
      // Safe: `request` outlives the call.
      return unsafe poll(&request, 1, Int32(clamping: max(0, milliseconds)))
    }
    guard ready > 0 else { return nil }
    var buffer = [UInt8](repeating: 0, count: max(1, limit))
    // Safe: the call is told the buffer's size.
    let count = try systemCall("recv", path) {
      unsafe buffer.withUnsafeMutableBytes {
        unsafe recv(descriptor, $0.baseAddress, $0.count, 0)
      }
    }
    return Array(buffer.prefix(count))
  }
}

extension LocalSocket {
  /// The process that listened when this connection was made, as unix(7) tells it by SO_PEERCRED; 0
  /// if it can't be seen from here.
  public func peerProcessID() throws(HostError) -> Int32 {
    // struct ucred (include/linux/socket.h): pid, uid, gid, of 32 bits each.
    var credentials: InlineArray<3, Int32> = [0, 0, 0]
    var size = socklen_t(MemoryLayout.size(ofValue: credentials))
    // Safe: both outlive the call, which is told the size.
    _ = try systemCall("getsockopt", path) {
      unsafe getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size)
    }
    return credentials[0]
  }

  /// The name that the other side bound its socket to, as it gave it then: another directory may have
  /// been its current one. Empty if it has none in the file system.
  public func peerName() throws(HostError) -> String {
    var address = sockaddr_un()
    var size = socklen_t(MemoryLayout<sockaddr_un>.size)
    _ = try systemCall("getpeername", path) {
      // Safe: both outlive the call, which is told the size.
      unsafe withUnsafeMutablePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe getpeername(descriptor, $0, &size)
        }
      }
    }
    // Safe: only read while `address` lives. It need not end in a NUL.
    return unsafe withUnsafeBytes(of: &address.sun_path) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}

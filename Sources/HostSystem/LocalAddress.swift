/// Where a server may listen: nobody on another machine can reach it.
public enum LocalAddress: Hashable, Sendable {
  /// A Unix socket by its name in the file system, which its owner alone may use.
  case unix(path: String)
  /// A TCP port of 127.0.0.1; 0 lets the system choose. All users of this machine may connect.
  case loopback(port: UInt16)

  /// `unix:PATH`, `PORT`, `:PORT`, `127.0.0.1:PORT` or `localhost:PORT`; nil for anything else, other
  /// machines' addresses above all.
  public init?(_ text: String) {
    if let path = text.dropPrefix("unix:") {
      guard !path.isEmpty else { return nil }
      self = .unix(path: path)
      return
    }
    let digits =
      text.dropPrefix("127.0.0.1:") ?? text.dropPrefix("localhost:") ?? text.dropPrefix(":")
      ?? text
    guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      let port = UInt16(digits)
    else { return nil }
    self = .loopback(port: port)
  }
}

extension LocalAddress: CustomStringConvertible {
  /// As `init` takes it.
  public var description: String {
    switch self {
    case .unix(let path): "unix:\(path)"
    case .loopback(let port): "127.0.0.1:\(port)"
    }
  }
}

extension String {
  fileprivate func dropPrefix(_ prefix: String) -> String? {
    hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
  }
}

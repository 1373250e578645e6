internal import Glibc

extension LocalSocket {
  /// Two connected sockets without a name: one for this process, one to hand to a program that it
  /// starts. `name` names them in messages.
  public static func pair(_ name: String) throws(HostError) -> (LocalSocket, LocalSocket) {
    var descriptors: InlineArray<2, Int32> = [-1, -1]
    _ = try systemCall("socketpair", name) {
      var span = descriptors.mutableSpan
      // Safe: the call writes the two numbers that there is room for.
      return unsafe span.withUnsafeMutableBufferPointer {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        return unsafe socketpair(AF_UNIX, kind, 0, $0.baseAddress)
      }
    }
    return (
      LocalSocket(adopting: descriptors[0], path: name),
      LocalSocket(adopting: descriptors[1], path: name)
    )
  }

  /// The number by which a program that is started with this socket finds it.
  public var number: Int32 { descriptor }
}

internal import HostSystem

/// What every QEMU is started with here, and how its end is told.
enum QEMULaunch {
  /// The options for a monitor at the other end of `socket`, which has no name that others could
  /// connect to.
  static func monitor(_ socket: LocalSocket) -> [String] {
    [
      "-chardev", "socket,id=varve-monitor,fd=\(socket.number)",
      "-mon", "chardev=varve-monitor,mode=control",
    ]
  }

  /// The options for a debugger's stub at the other end of `socket`.
  static func stub(_ socket: LocalSocket) -> [String] {
    ["-chardev", "socket,id=varve-stub,fd=\(socket.number)", "-gdb", "chardev:varve-stub"]
  }

  /// How a program ended, after its name.
  static func text(_ ending: ChildProcess.Ending) -> String {
    switch ending {
    case .exited(let status): "exited with status \(status)"
    case .signal(let number): "was ended by signal \(number)"
    }
  }
}

internal import HostSystem

/// The QEMU that a monitor is expected to be of, looked at before the monitor is connected to.
///
/// Who listens is usually QEMU itself, and the system tells who does (unix(7), SO_PEERCRED). Where
/// another program handed QEMU a socket that listened already, as libvirt does, the system names that
/// program; but the other end of the connection is then among QEMU's descriptors, and wasn't before.
struct MonitorOwner {
  private let processID: Int32
  private let socketsBefore: Set<UInt64>

  init(_ processID: Int32) throws(QMPError) {
    self.processID = processID
    socketsBefore = try host { () throws(HostError) in
      Set(try ProcessFiles(processID).openSockets())
    }
  }

  /// Throws `.otherProcess` if `monitor`, connected to since, is another process's.
  func check(_ monitor: QMPMonitor) throws(QMPError) {
    let isOurs = try host { () throws(HostError) in
      let socket = monitor.socket
      if try socket.peerProcessID() == processID { return true }
      let files = ProcessFiles(processID)
      let added = Set(try files.openSockets()).subtracting(socketsBefore)
      return try files.sockets(named: try socket.peerName()).contains(where: added.contains)
    }
    guard isOurs else { throw .otherProcess(processID) }
  }
}

internal import HostSystem

/// A guest that is kept from running for as long as this object is in use.
///
/// If it ran when it was found it runs again afterwards: after `resume`, when the object goes, or when
/// a signal ends this process. A guest that was found paused stays so.
public final class PausedMachine {
  /// QEMU's name for the state that the guest was found in: `running`, `paused`, `prelaunch`, …
  public let status: String
  /// The guest ran when it was found.
  public let wasRunning: Bool
  public let monitor: QMPMonitor
  private let path: String
  private var owesResume: Bool

  /// Connects to the monitor's Unix socket at `path` and stops the guest if it runs. Throws a
  /// `QMPError`; the guest then runs if it ran before.
  ///
  /// - Parameter processID: the QEMU that the monitor must be of, if that matters: `.otherProcess` is
  ///   thrown if it is another's.
  public init(
    monitor path: String, ofProcess processID: Int32? = nil,
    timeout: Duration = QMPMonitor.defaultTimeout
  ) throws(QMPError) {
    self.path = path
    let owner = try processID.map { id throws(QMPError) in try MonitorOwner(id) }
    monitor = try QMPMonitor(connectingTo: path, timeout: timeout)
    try owner?.check(monitor)
    let answer = try monitor.execute("query-status", timeout: timeout)
    guard let running = answer["running"]?.bool, let status = answer["status"]?.string else {
      throw .protocolViolation("the answer to query-status lacks running or status")
    }
    self.status = status
    wasRunning = running
    owesResume = running
    guard running else { return }
    DyingWish.set(Array("{\"execute\":\"cont\"}\n".utf8), through: monitor.socket)
    do throws(QMPError) {
      try monitor.execute("stop", timeout: timeout)
    } catch {
      // It may have been stopped although no answer came.
      try resume()
      throw error
    }
  }

  /// Lets the guest run again if it ran when it was found. Does nothing the second time. Throws what
  /// keeps the guest from running, after trying anew through a second connection.
  public func resume() throws(QMPError) {
    guard owesResume else { return }
    do throws(QMPError) {
      try monitor.execute("cont")
    } catch {
      if case .refused = error { throw error }
      try QMPMonitor(connectingTo: path).execute("cont")
    }
    owesResume = false
    DyingWish.withdraw()
  }

  deinit {
    do throws(QMPError) {
      try resume()
    } catch {
      // There is nobody left to tell: whoever wants to know calls `resume`.
      DyingWish.withdraw()
    }
  }
}

/// Keeping the guest of a running QEMU from running while it is read.
enum GuestPause {
  /// Runs `body` while the guest of the QEMU that `path` names is paused, if its monitor is given in
  /// `options`; tells `body` how it was paused, nil if it wasn't. A guest that ran before runs again
  /// afterwards, and that it couldn't be made to is an error. Throws what `body` throws, and a
  /// `VarveError`.
  static func during<Result>(
    _ path: String, _ options: MachineOptions, _ body: (String?) throws -> Result
  ) throws -> Result {
    guard let socket = options.qmpSocket else { return try body(nil) }
    guard let processID = Subject.processID(path) else {
      throw VarveError(file: path, reason: "--qmp goes with a running QEMU only: pid:N")
    }
    let pause = try paused(processID, path, socket)
    let result: Result
    do {
      result = try body("a monitor, \(socket), which kept the guest paused; it was \(pause.status)")
    } catch {
      try resume(pause, socket, after: error)
      throw error
    }
    try resume(pause, socket, after: nil)
    return result
  }

  private static func paused(
    _ processID: Int32, _ path: String, _ socket: String
  ) throws(VarveError) -> PausedMachine {
    do throws(TargetError) {
      // Nobody's guest is to be stopped for a process that isn't there.
      _ = try RunningProcess(processID)
    } catch {
      throw VarveError(file: path, reason: "\(error)")
    }
    do throws(QMPError) {
      return try PausedMachine(monitor: socket, ofProcess: processID)
    } catch {
      throw VarveError(file: socket, reason: "\(error)")
    }
  }

  private static func resume(
    _ pause: PausedMachine, _ socket: String, after failure: (any Error)?
  ) throws(VarveError) {
    do throws(QMPError) {
      try pause.resume()
    } catch {
      let before = failure.map { "\($0); and " } ?? ""
      throw VarveError(file: socket, reason: "\(before)the guest stays paused: \(error)")
    }
  }
}

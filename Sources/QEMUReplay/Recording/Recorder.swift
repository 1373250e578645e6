internal import Bytes
public import HostSystem
internal import QEMUMonitor

/// Runs QEMU while it records.
public final class Recorder {
  /// How far a recording has come.
  public struct Progress: Hashable, Sendable {
    public let instructions: UInt64
    /// In bytes.
    public let logSize: UInt64
    public let elapsed: Duration
  }

  private var recording: Recording
  private let child: ChildProcess
  private let monitor: QMPMonitor
  private let began = ContinuousClock.now

  /// Starts QEMU. It has this process's standard streams, so its console is the user's. Throws
  /// `.program` if it ends at once.
  public init(_ recording: Recording) throws(ReplayError) {
    let (ours, theirs) = try system { () throws(HostError) in
      try LocalSocket.pair("QEMU's monitor")
    }
    var words = recording.commandLine(recording.description.recorded)
    words += QEMULaunch.monitor(theirs)
    let program = words[0]
    let child = try system { () throws(HostError) in
      // It isn't to end with this process: should that be killed, QEMU can still close the log.
      try ChildProcess(
        program, words, sockets: [theirs], endsWithParent: false, isAlone: false)
    }
    self.child = child
    do throws(QMPError) {
      monitor = try QMPMonitor(over: ours, timeout: .seconds(60))
    } catch {
      if let ending = child.wait(before: .now + .seconds(5)) {
        throw .program("QEMU", reason: QEMULaunch.text(ending), output: "")
      }
      child.send(15)
      throw .monitor(error)
    }
    self.recording = recording
    self.recording.description.engine.version = monitor.version
    self.recording.description.processID = child.processID
    try self.recording.save()
  }

  /// Waits until QEMU has ended, which `signals` may ask it to, and closes the recording. `report` is
  /// told of progress once a second.
  public func finish(
    _ signals: SignalWatch, report: (Progress) -> Void
  ) throws(ReplayError) -> Recording {
    var asked = 0
    var monitorWorks = true
    while true {
      if let ending = child.wait(before: .now + .milliseconds(500)) {
        return try close(ending)
      }
      // Ctrl-C reaches QEMU by itself, where it is the guest's if QEMU's console says so; a SIGTERM is
      // only this process's. Either way QEMU closes its log before it ends.
      if signals.endRequests > asked {
        asked = signals.endRequests
        child.send(asked > 2 ? 9 : 15)
      }
      if monitorWorks { monitorWorks = tell(report) }
    }
  }

  /// False if the monitor says nothing more: QEMU is about to end, or busy with another.
  private func tell(_ report: (Progress) -> Void) -> Bool {
    do throws(QMPError) {
      let answer = try monitor.execute("query-replay", timeout: .seconds(5))
      let count = UInt64(max(0, answer["icount"]?.integer ?? 0))
      var size: UInt64 = 0
      do throws(HostError) { size = try FileFacts(recording.logPath).size } catch { size = 0 }
      report(Progress(instructions: count, logSize: size, elapsed: ContinuousClock.now - began))
      return true
    } catch {
      if case .noAnswer = error { return true }
      return false
    }
  }

  private func close(_ ending: ChildProcess.Ending) throws(ReplayError) -> Recording {
    let how = "QEMU " + QEMULaunch.text(ending)
    let facts: FileFacts
    do throws(HostError) {
      facts = try FileFacts(recording.logPath)
    } catch {
      throw .program("QEMU", reason: QEMULaunch.text(ending) + " before it recorded", output: "")
    }
    guard facts.size > 0 else {
      throw .program("QEMU", reason: QEMULaunch.text(ending) + " before it recorded", output: "")
    }
    try recording.close(how)
    return recording
  }
}

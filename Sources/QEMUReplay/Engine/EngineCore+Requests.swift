internal import Bytes
internal import HostSystem

/// Requests of disks that the host is still at work on when the guest has been stopped. QEMU knows of them
/// only when they are done: a snapshot is refused while a finished one waits for its moment, but not while
/// one is under way, and then the snapshot lacks it for ever (QEMU 7.2 block/io.c, bdrv_drain_all_begin does
/// nothing in replays; migration/savevm.c asks replay_can_snapshot). Tried with IDE and AHCI under load:
/// replays from such a snapshot stand still.
extension EngineCore {
  /// How long requests may take.
  private static let requestPatience = Duration.seconds(10)

  /// Waits until no thread of QEMU's works, and what they found has come to its main loop.
  func awaitRequests() throws(ReplayError) {
    guard recording.description.replayed.contains(where: { $0.contains("driver=blkreplay") }) else {
      return
    }
    let deadline = ContinuousClock.now + Self.requestPatience
    var restfulChecks = 0
    // A request can consist of several, each begun by the main loop.
    while restfulChecks < 3, ContinuousClock.now < deadline {
      if try isWorking() {
        restfulChecks = 0
        // Nothing to wait for but time: the process tells of no request's end.
        _ = instance.child.wait(before: .now + .milliseconds(1))
      } else {
        restfulChecks += 1
        _ = try instance.status()
      }
    }
  }

  /// Whether a thread runs, is about to, or waits for a disk.
  private func isWorking() throws(ReplayError) -> Bool {
    let files = ProcessFiles(instance.child.processID)
    for thread in try system({ () throws(HostError) in try files.threadIDs() }) {
      do throws(HostError) {
        let state = try statusFields("task/\(thread)/stat", of: files).first
        if state == "R" || state == "D" { return true }
      } catch {
        // The thread has ended since.
        guard error.isAbsence else { throw .host(error) }
      }
    }
    return false
  }
}

internal import Bytes
internal import TimeTravel

// Where an access to watched memory and the count to stop at fall together, QEMU 7.2 stops for the count only: of
// two requests to stop the later one counts (softmmu/runstate.c, qemu_system_vmstop_request). It keeps the
// watchpoint that was hit in mind, though (`watchpoint_hit`, which only a stop for debugging resets), and aborts
// at the next access: “Raised interrupt while not in I/O function”. A breakpoint where the machine stands stops
// it for debugging before anything is executed, and that stop tells of the watchpoint and resets it.

extension EngineCore {
  /// Whether the last instruction accessed watched memory without QEMU having stopped for it. Gives what it says
  /// then; nil if there was nothing of the kind. The machine stays where it is, unless an interrupt is due there: then
  /// it may be one instruction further.
  mutating func hiddenStop() throws(ReplayError) -> StubStop? {
    guard !stops.watchpoints.isEmpty else { return nil }
    let place = try stand()
    let address = String(place.registers.programCounter.rawValue, radix: 16)
    let isSet = stops.breakpoints.contains(place.registers.programCounter)
    if !isSet, !(try instance.stub.command("Z0,\(address),1")) {
      throw .stub("no breakpoint can be set at 0x\(address)")
    }
    // An interrupt that is due would be taken first: it isn't to run away then.
    try setBreak(at: place.moment.later(by: 1).rawValue)
    leave()
    try instance.stub.send("c")
    let (reply, _) = try wait(nil)
    let now = try stand()
    if !isSet { _ = try instance.stub.command("z0,\(address),1") }
    // An interrupt was due and has been taken, and its first instruction executed, too.
    if now.moment > place.moment { noteBreakReached() } else { try removeBreak() }
    let stop = try StubStop(reply)
    return stop.watched == nil ? nil : stop
  }
}

import Foundation
import TestWorlds
import Testing
import Varve

/// `varve record` and the engine that replays, with a real QEMU and a real kernel.
@Suite("Recordings", .enabled(if: RecordedGuest.isPossible), .serialized)
struct RecordingTests {
  /// The state at ten moments is the same straight forwards, from its own checkpoint, and from the
  /// checkpoint before; and after QEMU was killed.
  @Test(arguments: [("pc", false), ("q35", true)])
  func stateIsTheSameByEveryWay(_ machine: String, _ hasDisk: Bool) async throws {
    let guest = try RecordedGuest(machine: machine, disk: hasDisk)
    try await guest.expectSameStateByEveryWay()
    let image = try guest.scratch.read("disk.img")
    #expect(image == (0..<65536).map { UInt8(truncatingIfNeeded: $0) })
  }

  @Test func breakpointsAndWatchpointsStopTheEngine() async throws {
    let guest = try RecordedGuest(machine: "pc", disk: false)
    // The directory goes with the guest.
    defer { withExtendedLifetime(guest) {} }
    let engine = try QEMUEngine(try guest.record())
    let middle = Moment(try await engine.recordedRange().upperBound.rawValue / 2)
    #expect(try await engine.run(to: middle) == .reached)
    #expect(try await engine.step() == .reached)
    #expect(try await engine.position() == middle.later(by: 1))
    let counter = try await engine.registers().programCounter
    try await engine.rewind()
    #expect(try await engine.run(to: middle.earlier(by: 10_000)) == .reached)
    try await engine.setStops(StopSet(breakpoints: [counter]))
    let stop = try await engine.run(to: middle.later(by: 2))
    #expect(stop == .breakpoint(counter))
    #expect(try await engine.registers().programCounter == counter)
    try await engine.setStops(.none)
    // A watchpoint stops where stepping saw that something was pushed.
    let push = try await firstPush(engine)
    try await engine.rewind()
    #expect(try await engine.run(to: push.start) == .reached)
    let top = MemoryRange(.virtual(push.stackPointer), count: 8)
    let watchpoint = Watchpoint(top, access: .write)
    try await engine.setStops(StopSet(watchpoints: [watchpoint]))
    let end = try await engine.recordedRange().upperBound
    #expect(try await engine.run(to: end) == .watchpoint(watchpoint))
    #expect(try await engine.position() == push.moment)
    #expect(try await engine.registers().stackPointer == push.stackPointer)
    #expect(try await engine.memory(top) == push.bytes)
    await #expect(throws: EngineError.unsupported("watching physical addresses")) {
      let range = MemoryRange(.physical(PhysicalAddress(0x1000)), count: 8)
      try await engine.setStops(StopSet(watchpoints: [Watchpoint(range, access: .write)]))
    }
    try await engine.end()
  }

  /// An instruction near the recording's end, in the kernel, that pushed eight bytes where nothing was since
  /// `start`: after it the machine is at `moment`, and these bytes are on top of the stack.
  private struct Push {
    let start: Moment
    let moment: Moment
    let stackPointer: VirtualAddress
    let bytes: [UInt8]
  }

  private func firstPush(_ engine: QEMUEngine) async throws -> Push {
    let end = try await engine.recordedRange().upperBound
    for distance in stride(from: 20_000, to: 2_000_000, by: 20_000) as StrideTo<UInt64> {
      let start = end.earlier(by: distance)
      try await engine.rewind()
      #expect(try await engine.run(to: start) == .reached)
      var lowest = try await engine.registers().stackPointer
      for _ in 0..<1000 {
        let before = try await engine.registers().stackPointer
        #expect(try await engine.step() == .reached)
        let after = try await engine.registers().stackPointer
        if after < lowest, before.rawValue &- after.rawValue == 8 {
          let bytes = try await engine.memory(MemoryRange(.virtual(after), count: 8))
          return Push(
            start: start, moment: try await engine.position(), stackPointer: after, bytes: bytes)
        }
        lowest = min(lowest, after)
      }
    }
    throw EngineError.failed("nothing is pushed near the end")
  }

  /// Recorder and QEMU are killed in the middle: what was written is replayed.
  @Test func killedRecordingIsSalvaged() async throws {
    let guest = try RecordedGuest(machine: "pc", disk: false)
    let recorder = try guest.begin()
    let child = try Tool.run("pgrep", "-P", "\(recorder.processID)", in: guest.scratch)
    let process = try #require(Int32(child.split(separator: "\n").first ?? ""))
    var running = try Recording(guest.path)
    #expect(running.description.processID == process)
    #expect(throws: ReplayError.self) { try running.recover() }
    // The recorder isn't to see QEMU's end, which it would tidy up after.
    kill(recorder.processID, SIGSTOP)
    kill(process, SIGKILL)
    #expect(recorder.end(by: SIGKILL).signal == SIGKILL)
    var recording = try Recording(guest.path)
    #expect(recording.description.ending == nil)
    #expect(try recording.readLog().version == 0)
    try recording.recover()
    let ending = try #require(recording.description.ending)
    #expect(ending.isSalvaged)
    #expect(ending.instructions > 1000)
    #expect(try recording.readLog().isComplete)
    #expect(try Recording(guest.path).description.ending == ending)
    let engine = try QEMUEngine(recording)
    let end = try await engine.recordedRange().upperBound
    #expect(try await engine.run(to: end) == .reached)
    #expect(try await engine.position() == end)
    try await engine.end()
  }

  /// QEMU's own scenario for reverse debugging, by gdb: ten steps, ten back, ten forward again;
  /// breakpoints on all, continue, reverse-continue to the last.
  @Test(arguments: [("pc", false), ("q35", true)])
  func debuggerGoesBack(_ machine: String, _ hasDisk: Bool) throws {
    let guest = try RecordedGuest(machine: machine, disk: hasDisk)
    _ = try guest.record()
    try guest.expectDebuggerGoesBack()
  }

  private struct Report: Decodable {
    struct Log: Decodable {
      let instructions: UInt64
      let isComplete: Bool
    }
    let schema: String
    let given: [String]
    let log: Log
    let problem: String?
  }

  @Test func infoTellsWhatARecordingIs() throws {
    let guest = try RecordedGuest(machine: "pc", disk: true)
    _ = try guest.record()
    let json = try guest.varve("info", guest.path, "--json")
    let report = try JSONDecoder().decode(Report.self, from: Data(json.text.utf8))
    #expect(report.schema == "varve.recording/1")
    #expect(report.given.first == "qemu-system-x86_64")
    #expect(report.log.isComplete)
    #expect(report.problem == nil)
    // An input that changed is told before a replay can go astray.
    try guest.scratch.write([1, 2, 3], to: "disk.img")
    let refused = try guest.varve("replay", guest.path, "-e", "when")
    #expect(refused.status == 1)
    #expect(refused.text.contains("disk.img"))
    #expect(refused.text.contains("isn't what the recording was made with"))
  }

  @Test func refusalsNameTheOption() throws {
    let guest = try RecordedGuest(machine: "pc", disk: false)
    let refused = try guest.varve(
      "record", "-o", guest.path, "--", "qemu-system-x86_64", "-virtfs", "local,path=x")
    #expect(refused.status == 1)
    #expect(refused.text.contains("-virtfs local,path=x"))
    #expect(!FileManager.default.fileExists(atPath: guest.path))
    let missing = try guest.varve("info", guest.scratch.path)
    #expect(missing.status == 1)
    #expect(missing.text.contains("no recording: there is no recording.json"))
  }
}

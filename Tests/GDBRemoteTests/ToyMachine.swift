import Bytes
import GDBRemote
import Synchronization

/// A recorded run of an x86-64 CPU that does nothing but this, `length` instructions of it:
///
///     0x1000  48 ff c0   inc %rax
///     0x1003  48 89 03   mov %rax,(%rbx)      rbx is 0x2000
///     0x1006  48 8b 0b   mov (%rbx),%rcx
///     0x1009  eb f5      jmp 0x1000
///
/// Its state before instruction n is a function of n alone.
final class ToyMachine: ResumableTarget, MonitoredTarget, MappedTarget, TransferringTarget,
  KillableTarget
{
  static let code: [UInt8] = [
    0x48, 0xff, 0xc0, 0x48, 0x89, 0x03, 0x48, 0x8b, 0x0b, 0xeb, 0xf5,
  ]
  static let codeStart: UInt64 = 0x1000
  static let counter: UInt64 = 0x2000
  static let stack: UInt64 = 0x3000
  static let pageSize: UInt64 = 0x1000

  /// All integer registers 0 but for those that this machine hasn't.
  private static let zeros: RegisterValues = {
    let description = TargetDescription.x86_64()
    var values = RegisterValues(description)
    for register in description.registers
    where register.bits <= 64 && !register.name.hasPrefix("f") {
      values[register.name] = 0
    }
    return values
  }()

  struct State {
    var position: UInt64 = 0
    var isKilled = false
    var resumptions: [Resumption] = []
    var monitored: [MonitorRequest] = []
    var lastStop = StopReason.paused
  }

  let length: UInt64
  let canReverse: Bool
  let description = ToyMachine.zeros.description
  let breakpointKinds = Set(Breakpoint.Kind.allCases)
  let state = Mutex(State())
  /// What it prints when it is to run.
  let remark: String?
  /// Called when a run has gone on for a while.
  let whenBusy: @Sendable () -> Void

  init(
    length: UInt64 = 400, at position: UInt64 = 0, canReverse: Bool = true, remark: String? = nil,
    whenBusy: @escaping @Sendable () -> Void = {}
  ) {
    self.length = length
    self.canReverse = canReverse
    self.remark = remark
    self.whenBusy = whenBusy
    state.withLock { $0.position = position }
  }

  var position: UInt64 { state.withLock { $0.position } }
  var resumptions: [Resumption] { state.withLock { $0.resumptions } }

  func threads() -> [RemoteThread] {
    [RemoteThread(id: .first, name: "CPU <0>", details: "running", core: 0)]
  }

  func currentStop() -> Stop { Stop(state.withLock { $0.lastStop }, thread: .first) }

  func registers(of thread: ThreadID) throws(RemoteError) -> RegisterValues {
    try require(thread)
    return registers(at: position)
  }

  func readMemory(
    at address: VirtualAddress, count: Int, thread: ThreadID
  ) throws(RemoteError) -> [UInt8] {
    try require(thread)
    let bytes = memory(at: address, count: count, at: position)
    if bytes.isEmpty, count > 0 { throw .memory(address, reason: "nothing is mapped there") }
    return bytes
  }

  private func require(_ thread: ThreadID) throws(RemoteError) {
    guard thread == .first else { throw .noThread(thread) }
  }

  // MARK: The state at a position

  func registers(at position: UInt64) -> RegisterValues {
    let phase = position % 4
    let round = position / 4
    var values = Self.zeros
    values["rax"] = round + (phase >= 1 ? 1 : 0)
    values["rbx"] = Self.counter
    values["rcx"] = round + (phase >= 3 ? 1 : 0)
    values["rsp"] = Self.stack + 0x800
    values["rbp"] = Self.stack + 0x900
    values["rip"] = Self.codeStart + [0, 3, 6, 9][Int(phase)]
    values["eflags"] = 0x202
    values["cr0"] = 0x8000_0011
    values["efer"] = 0xd00
    return values
  }

  func memory(at address: VirtualAddress, count: Int, at position: UInt64) -> [UInt8] {
    let counter = position / 4 + (position % 4 >= 2 ? 1 : 0)
    var bytes: [UInt8] = []
    for index in 0..<UInt64(count) {
      let place = address.rawValue &+ index
      switch place {
      case Self.codeStart..<Self.codeStart + Self.pageSize:
        let offset = Int(place - Self.codeStart)
        bytes.append(offset < Self.code.count ? Self.code[offset] : 0x90)
      case Self.counter..<Self.counter + 8:
        bytes.append(UInt8(truncatingIfNeeded: counter >> (8 * (place - Self.counter))))
      case Self.counter..<Self.stack + Self.pageSize: bytes.append(0)
      default: return bytes
      }
    }
    return bytes
  }

  // MARK: What it can do

  func check(_ breakpoint: Breakpoint) throws(RemoteError) {
    guard breakpoint.length <= 64 else { throw .refused("64 bytes at most") }
  }

  func resume(
    _ resumption: Resumption, print: @escaping @Sendable (String) -> Void
  ) async throws(RemoteError) -> Stop {
    state.withLock { $0.resumptions.append(resumption) }
    if let remark { print(remark) }
    var position = self.position
    var count = 0
    while true {
      let reason = await step(&position, resumption)
      count += 1
      if count % 5000 == 0 { whenBusy() }
      if count % 1000 == 0 { await Task.yield() }
      guard let reason = reason ?? (Task.isCancelled ? .interrupted : nil) else { continue }
      state.withLock {
        $0.position = position
        $0.lastStop = reason
      }
      return Stop(reason, thread: .first)
    }
  }

  /// One instruction; why to stop after it, if so.
  private func step(_ position: inout UInt64, _ resumption: Resumption) async -> StopReason? {
    switch resumption.direction {
    case .forward:
      guard position < length else { return .end }
      let touched = touch(position, resumption.breakpoints)
      position += 1
      if let touched { return touched }
    case .backward:
      guard position > 0 else { return .beginning }
      position -= 1
      if let touched = touch(position, resumption.breakpoints) { return touched }
    }
    let counter = Self.codeStart + [0, 3, 6, 9][Int(position % 4)]
    switch resumption.extent {
    case .step: return .paused
    case .stepping(let range):
      if !range.contains(VirtualAddress(counter)) { return .paused }
    case .unlimited: break
    }
    for breakpoint in resumption.breakpoints
    where !breakpoint.kind.isWatchpoint && breakpoint.address.rawValue == counter {
      if await breakpoint.applies(in: Moment(machine: self, position: position)) {
        return .breakpoint(breakpoint.kind)
      }
    }
    return nil
  }

  /// Which watchpoint the instruction at `position` touches.
  private func touch(_ position: UInt64, _ breakpoints: [Breakpoint]) -> StopReason? {
    let kinds: [Breakpoint.Kind] =
      switch position % 4 {
      case 1: [.writeWatch, .accessWatch]
      case 2: [.readWatch, .accessWatch]
      default: []
      }
    for breakpoint in breakpoints where kinds.contains(breakpoint.kind) {
      let start = breakpoint.address.rawValue
      if start < Self.counter + 8, start + UInt64(breakpoint.length) > Self.counter {
        return .watchpoint(breakpoint.kind, address: VirtualAddress(max(start, Self.counter)))
      }
    }
    return nil
  }

  struct Moment: AgentContext {
    let machine: ToyMachine
    let position: UInt64

    func register(_ number: Int) -> UInt64? { machine.registers(at: position).value(of: number) }

    func memory(at address: VirtualAddress, count: Int) -> [UInt8] {
      machine.memory(at: address, count: count, at: position)
    }
  }

  let monitorCommands = [
    MonitorCommand("when", summary: "the instruction count"),
    MonitorCommand("seek", arguments: "COUNT", summary: "go to an instruction count"),
    MonitorCommand(
      "search", summary: "look for something for ever",
      examples: ["search key 17", "search"]),
  ]

  func monitor(
    _ request: MonitorRequest, print: @escaping @Sendable (String) -> Void
  ) async throws(RemoteError) -> String {
    state.withLock { $0.monitored.append(request) }
    switch request.command {
    case "when": return "instruction \(position) of \(length)\n"
    case "seek":
      guard let text = request.arguments.first, let target = UInt64(text), target <= length else {
        throw .refused("seek needs a count up to \(length)")
      }
      print("seeking\n")
      state.withLock { $0.position = target }
      return ""
    default:
      print("searching\n")
      whenBusy()
      while !Task.isCancelled { await Task.yield() }
      return "interrupted\n"
    }
  }

  func region(
    containing address: VirtualAddress, thread: ThreadID
  ) throws(RemoteError) -> RemoteRegion {
    let place = address.rawValue
    if place < 0x1000 {
      return RemoteRegion(start: .init(0), last: .init(0xfff), permissions: [])
    }
    if place < 0x2000 {
      return RemoteRegion(
        start: .init(0x1000), last: .init(0x1fff), permissions: [.read, .execute], name: "toy")
    }
    if place < 0x4000 {
      return RemoteRegion(
        start: .init(0x2000), last: .init(0x3fff), permissions: [.read, .write])
    }
    return RemoteRegion(start: .init(0x4000), last: .init(.max), permissions: [])
  }

  let transferObjects: Set<TransferObject> = [.auxiliaryVector]

  func contents(of object: TransferObject) -> [UInt8] { [UInt8](repeating: 0, count: 16) }

  func kill() { state.withLock { $0.isKilled = true } }
}

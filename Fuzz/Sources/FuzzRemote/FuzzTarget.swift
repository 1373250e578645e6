import Varve

/// A target that can do everything, at no cost: its registers are 1, its memory's bytes the lowest eight
/// bits of their addresses, and it stops at the first condition that is true.
final class FuzzTarget: ResumableTarget, WritableTarget, MonitoredTarget, MappedTarget,
  TransferringTarget, KillableTarget
{
  let description = FuzzTarget.registers.description
  let breakpointKinds = Set(Breakpoint.Kind.allCases)
  let canReverse = true
  let transferObjects = Set(TransferObject.allCases)
  let monitorCommands = [
    MonitorCommand("when", summary: "now"), MonitorCommand("which", summary: ""),
  ]

  private static let registers: RegisterValues = {
    let description = TargetDescription.x86_64()
    var values = RegisterValues(description)
    for register in description.registers where register.bits <= 64 { values[register.name] = 1 }
    return values
  }()

  func threads() -> [RemoteThread] {
    (0..<3).map { RemoteThread(id: ThreadID(index: $0), name: "<\"\\\($0)&", core: 0) }
  }

  func currentStop() -> Stop { Stop(.paused, thread: .first) }

  func registers(of thread: ThreadID) -> RegisterValues { Self.registers }

  func readMemory(
    at address: VirtualAddress, count: Int, thread: ThreadID
  ) throws(RemoteError) -> [UInt8] {
    guard address.rawValue < 1 << 47 else { throw .memory(address, reason: "not canonical") }
    return (0..<count).map { UInt8(truncatingIfNeeded: address.rawValue &+ UInt64($0)) }
  }

  func writeRegisters(_ values: RegisterValues, of thread: ThreadID) {}

  func writeMemory(at address: VirtualAddress, _ bytes: [UInt8], thread: ThreadID) {}

  func check(_ breakpoint: Breakpoint) throws(RemoteError) {
    guard breakpoint.length <= 8 else { throw .refused("too long") }
  }

  func resume(
    _ resumption: Resumption, print: @escaping @Sendable (String) -> Void
  ) async throws(RemoteError) -> Stop {
    print("on")
    for breakpoint in resumption.breakpoints where await breakpoint.applies(in: Context()) {
      return Stop(
        breakpoint.kind.isWatchpoint
          ? .watchpoint(breakpoint.kind, address: breakpoint.address)
          : .breakpoint(breakpoint.kind), thread: resumption.thread)
    }
    return Stop(resumption.direction == .forward ? .end : .beginning, thread: resumption.thread)
  }

  private struct Context: AgentContext {
    func register(_ number: Int) -> UInt64? { FuzzTarget.registers.value(of: number) }

    func memory(at address: VirtualAddress, count: Int) -> [UInt8] {
      [UInt8](repeating: UInt8(truncatingIfNeeded: address.rawValue), count: count)
    }
  }

  func monitor(
    _ request: MonitorRequest, print: @escaping @Sendable (String) -> Void
  ) -> String { request.arguments.joined(separator: " ") }

  func region(containing address: VirtualAddress, thread: ThreadID) -> RemoteRegion {
    RemoteRegion(start: address, last: VirtualAddress(.max), permissions: [.read], name: "a")
  }

  func contents(of object: TransferObject) -> [UInt8] { Array(object.rawValue.utf8) }

  func kill() async {}
}

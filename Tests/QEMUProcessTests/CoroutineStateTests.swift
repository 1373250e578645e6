import Bytes
import QEMUProcess
import Testing
import Unwinding

@Suite("What coroutines are doing")
struct CoroutineStateTests {
  /// A thread's own context (QEMU's `leader`) at `address`: a jump buffer in the common layout.
  private func addLeader(
    _ world: inout SyntheticProcess, at address: UInt64, stackPointer: UInt64
  ) {
    let buffer = address + world.layout.stackOffset + world.layout.jumpBufferDistance
    world.set(buffer + 48, world.mangled(stackPointer))
    world.set(buffer + 56, world.mangled(SyntheticProcess.switchReturn))
  }

  private func coroutine(
    _ planted: SyntheticProcess.Planted, in result: CoroutineScanner.Result
  ) throws -> Coroutine {
    try #require(result.coroutines.first { $0.address.rawValue == planted.address })
  }

  @Test func aThreadOnTheStackRunsTheCoroutine() throws {
    var world = SyntheticProcess()
    let block = world.controlBlock(0)
    let leader = block - 0x400
    addLeader(&world, at: leader, stackPointer: block - 0x2000)
    let outer = world.addCoroutine(caller: leader)
    let inner = world.addCoroutine(caller: outer.address)
    let waiting = world.addCoroutine()
    world.stackPointers[0] = inner.stack + 0x2000
    let result = world.scan()

    let running = try coroutine(inner, in: result)
    #expect(running.state == .running(thread: 100))
    // The thread's registers, not those left in the jump buffer.
    #expect(running.registers[RegisterNumber(7)] == inner.stack + 0x2000)
    #expect(running.callers.map(\.address.rawValue) == [outer.address, leader])
    #expect(running.callers.map(\.kind) == [.coroutine, .threadContext(thread: 100)])
    #expect(running.callers.last?.registers?[RegisterNumber(7)] == block - 0x2000)
    #expect(running.doubts.isEmpty)

    #expect(try coroutine(outer, in: result).state == .entering(VirtualAddress(inner.address)))
    #expect(try coroutine(waiting, in: result).state == .inactive)
    #expect(try coroutine(waiting, in: result).callers.isEmpty)
  }

  @Test func callersInACircleEnd() throws {
    var world = SyntheticProcess()
    let first = world.addCoroutine()
    let second = world.addCoroutine(caller: first.address)
    let own = world.addCoroutine()
    world.set(first.address + 16, second.address)
    world.set(own.address + 16, own.address)
    let result = world.scan()
    #expect(try coroutine(first, in: result).callers.map(\.kind) == [.coroutine, .broken])
    #expect(try coroutine(own, in: result).callers.map(\.kind) == [.broken])
  }

  @Test func aCallerThatIsNothingBreaksTheChain() throws {
    var world = SyntheticProcess()
    let planted = world.addCoroutine(caller: SyntheticProcess.heap + 0x10000)
    let found = try coroutine(planted, in: world.scan())
    #expect(found.callers.map(\.kind) == [.broken])
    #expect(found.state == .entering(nil))
  }

  @Test func theSchedulersNameIsRead() throws {
    var world = SyntheticProcess()
    let named = world.addCoroutine()
    let unnamed = world.addCoroutine()
    let text = SyntheticProcess.constants + 0x20
    world.setText(text, "aio_co_schedule")
    world.set(named.address + 48, text)
    world.set(unnamed.address + 48, 0x10)
    let result = world.scan()
    #expect(try coroutine(named, in: result).state == .scheduled(by: "aio_co_schedule"))
    #expect(try coroutine(unnamed, in: result).state == .scheduled(by: nil))
  }

  /// A walker without any unwind table.
  private struct NoFrames: StackWalker {
    func programCounters(from registers: RegisterState, limit: Int) -> [VirtualAddress] { [] }
    func functionStart(of counter: VirtualAddress) -> VirtualAddress? { nil }
  }

  @Test func depthsTellWhoHasEndedWithoutUnwinding() throws {
    var world = SyntheticProcess()
    let code = SyntheticProcess.code
    var planted: [(SyntheticProcess.Planted, CoroutineState)] = []
    for index in UInt64(0)..<9 {
      let (depth, counter, state): (UInt64, UInt64, CoroutineState) =
        switch index % 3 {
        case 0: (0x58, code + 0x2050, .created)
        case 1: (0x90, SyntheticProcess.switchReturn, .terminated)
        default: (0x200 + index * 0x20, SyntheticProcess.switchReturn, .suspended)
        }
      let made = world.addCoroutine(depth: depth, counter: counter)
      let end = made.stack + SyntheticProcess.stackSize
      // The trampoline's callee returns into it; the switch returns into whoever switched.
      world.set(end - 0x60, code + 0x2040 + index % 3)
      if index % 3 == 2 { world.set(made.stackPointer + 0x30, SyntheticProcess.yieldReturn) }
      planted.append((made, state))
    }
    var result = world.scan()
    result.classify(in: world.process(), with: NoFrames())
    for (made, state) in planted {
      #expect(try coroutine(made, in: result).state == state)
      #expect(try coroutine(made, in: result).doubts == [])
    }
  }

  /// A walker that knows the functions on each stack by its stack pointer.
  private struct Frames: StackWalker {
    var frames: [UInt64: [UInt64]]
    func programCounters(from registers: RegisterState, limit: Int) -> [VirtualAddress] {
      (registers[RegisterNumber(7)].flatMap { frames[$0] } ?? []).map { VirtualAddress($0) }
    }
    func functionStart(of counter: VirtualAddress) -> VirtualAddress? {
      VirtualAddress(counter.rawValue & ~0xfff)
    }
  }

  @Test(arguments: [false, true])
  func stacksTellWhoHasEnded(_ hasBootstrap: Bool) throws {
    var world = SyntheticProcess()
    let code = SyntheticProcess.code
    let outside = SyntheticProcess.constants
    let inner: [UInt64] = hasBootstrap ? [code + 0x6010, code + 0x2010] : [code + 0x2010]
    let created = world.addCoroutine(depth: 0x100, counter: inner[0])
    let ended = world.addCoroutine(depth: 0x110)
    let suspended = world.addCoroutine(depth: 0x400)
    let other = world.addCoroutine(depth: 0x500)
    let unknown = world.addCoroutine(depth: 0x600)
    let walker = Frames(frames: [
      created.stackPointer: inner + [outside],
      ended.stackPointer: [code + 0x1040] + inner + [outside],
      suspended.stackPointer: [code + 0x1040, code + 0x3040, SyntheticProcess.entry + 8] + inner
        + [outside],
      other.stackPointer: [code + 0x1040, code + 0x3040, code + 0x7000, code + 0x8000] + inner
        + [outside],
      unknown.stackPointer: [code + 0x1040],
    ])
    var result = world.scan()
    result.classify(in: world.process(), with: walker)
    #expect(try coroutine(created, in: result).state == .created)
    #expect(try coroutine(ended, in: result).state == .terminated)
    #expect(try coroutine(suspended, in: result).state == .suspended)
    #expect(try coroutine(other, in: result).state == .suspended)
    let left = try coroutine(unknown, in: result)
    #expect(left.state == .inactive)
    #expect(left.doubts == ["its stack can't be unwound to its start"])
  }
}

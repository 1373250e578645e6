import Bytes
import TestWorlds
import Testing
import Unwinding

/// Signal frames, and frames that no table describes.
@Suite struct InferredFrameTests {
  private static let restorer: [UInt8] = [0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 0x05]

  /// The words of a ucontext's general registers from `r8` on, for an interrupted frame.
  private func context(_ values: [String: UInt64]) -> [UInt64] {
    let order = [
      "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rdi", "rsi", "rbp", "rbx", "rdx",
      "rax", "rcx", "rsp", "rip",
    ]
    // uc_flags, uc_link, uc_stack.
    return [0, 0, 0, 0, 0] + order.enumerated().map { values[$1] ?? UInt64($0) }
  }

  /// A handler at 0x40_1000 whose return address is `restorer`; the signal interrupted `rip` with
  /// the stack at 0x7f_8000, where an outermost function is to be returned to.
  private func interrupted(restorer: UInt64, rip: UInt64) -> StackWorld {
    var world = StackWorld()
    world.function(0x40_1000..<0x40_1100, [0x0e, 16])
    world.function(0x40_3000..<0x40_3100, [0x07, 16])
    world.callReturning(to: 0x40_3020)
    world.memory.write(words: [0, restorer], at: 0x7f_0000)
    world.memory.write(
      words: context(["rip": rip, "rsp": 0x7f_8000, "rax": 0xaa, "rbx": 0xbb]), at: 0x7f_0010)
    world.memory.write(words: [0x40_3020], at: 0x7f_8000)
    world.setRegisters(["rip": 0x40_1005, "rsp": 0x7f_0000])
    return world
  }

  @Test("a signal frame by its code, the interrupted function by its exact pc")
  func signalByCode() throws {
    // Interrupted at its first instruction; the function before has another frame size.
    var world = interrupted(restorer: 0x60_0100, rip: 0x40_2000)
    world.function(0x40_1f00..<0x40_2000, [0x0e] + uleb(256))
    world.function(0x40_2000..<0x40_2100, [])
    world.memory.write(Self.restorer, at: 0x60_0100)
    let trace = world.unwind()
    #expect(trace.pcs == [0x40_1005, 0x60_0100, 0x40_2000, 0x40_3020])
    #expect(trace.frames.map(\.isSignalFrame) == [false, true, false, false])
    #expect(trace.frames.map(\.isAfterCall) == [false, true, false, true])
    #expect(
      trace.frames.map(\.lookupAddress.rawValue) == [0x40_1005, 0x60_0100, 0x40_2000, 0x40_301f])
    #expect(trace.frames[2].evidence == .unwound(.signalTrampoline))
    #expect(!trace.frames[3].restsOnGuess)
    #expect(trace.frames[2].registers[.rax] == 0xaa)
    #expect(trace.frames[2].registers[.rbx] == 0xbb)
    #expect(trace.frames[2].registers[.rsp] == 0x7f_8000)
    #expect(trace.frames[1].cfa == VirtualAddress(0x7f_8000))
    #expect(trace.frames[3].registers[.rax] == nil)
    #expect(trace.stop == .endOfStack(.returnAddressUndefined))
  }

  @Test("a signal frame by CFI that begins at the return address itself")
  func signalByCFI() throws {
    var world = interrupted(restorer: 0x40_4000, rip: 0x40_2010)
    world.function(0x40_2000..<0x40_2100, [])
    var cie = CFIAssembler.CIE()
    cie.augmentation = "zRS"
    // CFA = [rsp+160]; rip at rsp+168; nothing is said of rax.
    let program =
      [0x0f, 4, 0x77] + sleb(160) + [0x06] + [0x10, 16, 3, 0x77] + sleb(168)
    world.function(0x40_4000..<0x40_4010, program, cie: cie)
    let trace = world.unwind()
    #expect(trace.pcs == [0x40_1005, 0x40_4000, 0x40_2010, 0x40_3020])
    #expect(trace.frames.map(\.isSignalFrame) == [false, true, false, false])
    #expect(trace.frames[2].evidence == .unwound(.ehFrame))
    #expect(!trace.frames[2].isAfterCall)
  }

  @Test("a signal that came on another stack, further up")
  func alternateStack() {
    var world = interrupted(restorer: 0x60_0100, rip: 0x40_2010)
    world.function(0x40_2000..<0x40_2100, [])
    world.memory.write(Self.restorer, at: 0x60_0100)
    world.memory.write(
      words: context(["rip": 0x40_2010, "rsp": 0x7e_0000]), at: 0x7f_0010)
    world.memory.write(words: [0x40_3020], at: 0x7e_0000)
    #expect(world.unwind().pcs == [0x40_1005, 0x60_0100, 0x40_2010, 0x40_3020])
  }

  @Test("a call through a null pointer, plain and under a signal handler")
  func nullCall() {
    var world = interrupted(restorer: 0x60_0100, rip: 0)
    world.memory.write(Self.restorer, at: 0x60_0100)
    let trace = world.unwind()
    #expect(trace.pcs == [0x40_1005, 0x60_0100, 0, 0x40_3020])
    #expect(trace.frames[3].evidence == .unwound(.wildJump))
    #expect(trace.frames.map(\.restsOnGuess) == [false, false, false, true])

    world.setRegisters(["rip": 0, "rsp": 0x7f_8000])
    let plain = world.unwind()
    #expect(plain.pcs == [0, 0x40_3020])
    #expect(plain.frames[1].registers[.rsp] == 0x7f_8008)
    #expect(plain.stop == .endOfStack(.returnAddressUndefined))
  }

  @Test("a wild jump with no return address in sight")
  func wildJump() {
    var world = StackWorld()
    world.memory.write(words: [0x1234, 0], at: 0x7f_0000)
    world.setRegisters(["rip": 0x1_0000_0000, "rsp": 0x7f_0000])
    let trace = world.unwind()
    #expect(trace.pcs == [0x1_0000_0000])
    #expect(trace.stop == .noUnwindInformation(pc: VirtualAddress(0x1_0000_0000)))
    #expect(
      "\(trace.stop)"
        == "no unwind information for 0x100000000, and no plausible return address")
  }

  @Test("a function without CFI at its first instruction")
  func untouchedStack() {
    var world = StackWorld()
    world.function(0x40_3000..<0x40_3100, [0x07, 16])
    world.callReturning(to: 0x40_3020)
    world.memory.write(words: [0x40_3020], at: 0x7f_0000)
    world.setRegisters(["rip": 0x60_0000, "rsp": 0x7f_0000, "rbx": 1])
    let trace = world.unwind()
    #expect(trace.pcs == [0x60_0000, 0x40_3020])
    #expect(trace.frames[1].evidence == .unwound(.untouchedStack))
    #expect(trace.frames[1].restsOnGuess && trace.frames[1].registers[.rbx] == 1)
  }

  /// 0x60_0000 in a chain of frame pointers: 0x7f_0010 → 0x7f_0040, then what `last` is.
  private func framePointers(last: UInt64, lastReturn: UInt64) -> StackWorld {
    var world = StackWorld()
    world.callReturning(to: 0x60_1000)
    world.callReturning(to: 0x60_2000)
    world.memory.write(words: [5, 6, 0x7f_0040, 0x60_1000, 7, 8], at: 0x7f_0000)
    world.memory.write(words: [last, lastReturn], at: 0x7f_0040)
    world.setRegisters(["rip": 0x60_0010, "rsp": 0x7f_0000, "rbp": 0x7f_0010, "rbx": 1])
    return world
  }

  @Test("frame pointers, where nothing else is known, up to their end")
  func framePointerChain() {
    let trace = framePointers(last: 0, lastReturn: 0x60_2000).unwind()
    #expect(trace.pcs == [0x60_0010, 0x60_1000, 0x60_2000])
    #expect(trace.stop == .endOfStack(.zeroFramePointer))
    #expect(trace.frames[1].evidence == .unwound(.framePointer))
    #expect(trace.frames.map(\.restsOnGuess) == [false, true, true])
    #expect(trace.frames[1].registers[.rsp] == 0x7f_0020)
    // It may have been saved anywhere.
    #expect(trace.frames[1].registers[.rbx] == nil)
    let other = framePointers(last: 0, lastReturn: 0).unwind()
    #expect(other.pcs == [0x60_0010, 0x60_1000])
    #expect(other.stop == .endOfStack(.zeroReturnAddress))
  }

  @Test("frame pointers that can't be ones")
  func implausibleFramePointer() {
    let stop = UnwindStop.noUnwindInformation(pc: VirtualAddress(0x60_0010))
    for rbp in [0x7e_fff0, 0x7f_0011, 0x7f_9000, 0x7f_0000, 0] as [UInt64] {
      var world = framePointers(last: 0, lastReturn: 0)
      world.setRegisters(["rbp": rbp])
      let trace = world.unwind()
      #expect(trace.pcs == [0x60_0010] && trace.stop == stop, "\(hex(rbp))")
    }
    // No call stands before the return address.
    var world = framePointers(last: 0, lastReturn: 0)
    world.memory.write([UInt8](repeating: 0x90, count: 8), at: 0x60_1000 - 8)
    #expect(world.unwind().stop == stop)
  }

  @Test("a table that covers the pc is never overruled by a frame pointer")
  func tableWins() {
    var world = framePointers(last: 0, lastReturn: 0x60_2000)
    world.function(0x40_1000..<0x40_1100, [0x07, 16])
    world.setRegisters(["rip": 0x40_1005])
    #expect(world.unwind().stop == .endOfStack(.returnAddressUndefined))
  }

  @Test(
    "calls are told from other code",
    arguments: [
      ([0xe8, 1, 2, 3, 4], true), ([0xff, 0xd0], true), ([0x41, 0xff, 0xd7], true),
      ([0xff, 0x10], true), ([0xff, 0x14, 0x24], true), ([0xff, 0x50, 8], true),
      ([0xff, 0x54, 0x24, 8], true), ([0xff, 0x90, 1, 2, 3, 4], true),
      ([0xff, 0x94, 0xc3, 1, 2, 3, 4], true), ([0xff, 0x15, 1, 2, 3, 4], true),
      ([0xff, 0x14, 0xc5, 1, 2, 3, 4], true), ([0xff, 0xe0], false),
      ([0xff, 0x25, 1, 2, 3, 4], false),
      ([0xc3], false), ([0xe9, 1, 2, 3, 4], false), ([0xff, 0x50], false),
      ([0xff, 0xd0, 0x90], false),
    ] as [([UInt8], Bool)])
  func calls(code: [UInt8], isCall: Bool) {
    var world = framePointers(last: 0, lastReturn: 0)
    let padded = [UInt8](repeating: 0x90, count: 8 - code.count) + code
    world.memory.write(padded, at: 0x60_1000 - 8)
    #expect(world.unwind().frames.count == (isCall ? 2 : 1))
  }
}

import Bytes
import TestWorlds
import Testing
import Unwinding

/// Walks by CFI.
@Suite struct UnwinderTests {
  /// f (0x40_1000) was called by g (0x40_2000), which pushed rbx, by the outermost h (0x40_3000).
  private func threeFrames() -> StackWorld {
    var world = StackWorld()
    world.function(0x40_1000..<0x40_1100, [0x0e, 16])
    world.function(0x40_2000..<0x40_2100, [0x0e, 32, 0x83, 2])
    world.function(0x40_3000..<0x40_3100, [0x07, 16])
    world.memory.write(
      words: [
        0xaaaa, 0x40_2010,  // f: a local, return address
        1, 2, 0xbbbb, 0x40_3020,  // g: locals, rbx, return address
        0, 0,
      ], at: 0x7f_0000)
    world.setRegisters([
      "rip": 0x40_1005, "rsp": 0x7f_0000, "rax": 7, "rbx": 8, "r12": 9, "rbp": 10,
    ])
    return world
  }

  @Test("pcs, CFAs, and which registers are known")
  func frames() throws {
    let trace = threeFrames().unwind()
    #expect(trace.pcs == [0x40_1005, 0x40_2010, 0x40_3020])
    #expect(trace.frames.map(\.cfa?.rawValue) == [0x7f_0010, 0x7f_0030, 0x7f_0038])
    #expect(trace.stop == .endOfStack(.returnAddressUndefined))
    #expect(trace.frames.map(\.lookupAddress.rawValue) == [0x40_1005, 0x40_200f, 0x40_301f])
    #expect(
      trace.frames.map(\.evidence) == [.initial, .unwound(.ehFrame), .unwound(.ehFrame)])
    #expect(!trace.frames.contains { $0.restsOnGuess || $0.isSignalFrame })
    // Callee-saved registers are passed on, caller-saved ones are lost, rbx was saved by g.
    #expect(trace.frames.map { $0.registers[.rbx] } == [8, 8, 0xbbbb])
    #expect(trace.frames.map { $0.registers[.r12] } == [9, 9, 9])
    #expect(trace.frames.map { $0.registers[.rax] } == [7, nil, nil])
    #expect(trace.frames.map { $0.registers[.rsp] } == [0x7f_0000, 0x7f_0010, 0x7f_0030])
    #expect(trace.frames.map { $0.registers[.rip] } == [0x40_1005, 0x40_2010, 0x40_3020])
  }

  @Test("a limit")
  func limit() {
    let trace = threeFrames().unwind(limit: 2)
    #expect(trace.pcs == [0x40_1005, 0x40_2010])
    #expect(trace.stop == .frameLimit(2))
    #expect(threeFrames().unwind(limit: 3).stop == .endOfStack(.returnAddressUndefined))
  }

  @Test("no program counter")
  func nothing() {
    let trace = StackWorld().unwind()
    #expect(trace.frames.isEmpty && trace.stop == .programCounterUnknown)
  }

  @Test("a call that ends its function: the row and the name are the call's")
  func noreturnCall() {
    var world = threeFrames()
    // The return address is the first of a function that knows nothing of g's frame.
    world.memory.write(words: [0x40_2100], at: 0x7f_0008)
    world.function(0x40_2100..<0x40_2200, [0x07, 16])
    let trace = world.unwind()
    #expect(trace.pcs == [0x40_1005, 0x40_2100, 0x40_3020])
    #expect(trace.frames[1].lookupAddress == VirtualAddress(0x40_20ff))
  }

  @Test("an initial program counter that is a return address")
  func afterCall() {
    var world = threeFrames()
    world.setRegisters(["rip": 0x40_1100])
    let trace = world.unwind(isAfterCall: true)
    #expect(trace.pcs == [0x40_1100, 0x40_2010, 0x40_3020])
    #expect(trace.frames[0].lookupAddress == VirtualAddress(0x40_10ff))
  }

  @Test("the CFA of a function needs rbp, which its callee lost")
  func cfaUnknown() {
    var world = threeFrames()
    world.section = CFIAssembler()
    world.function(0x40_1000..<0x40_1100, [0x0e, 16, 0x07, 6])
    world.function(0x40_2000..<0x40_2100, [0x0c, 6, 16])
    let trace = world.unwind()
    #expect(trace.pcs == [0x40_1005, 0x40_2010])
    #expect(trace.stop == .cfaUnknown(.rbp, name: "rbp", .notSaved))
    #expect("\(trace.stop)" == "caller's CFA unknown: rbp was not saved")
    #expect(trace.frames[1].cfa == nil)
  }

  @Test("the CFA of a function needs rbp, which lies in a page that is missing")
  func cfaUnreadable() {
    var world = threeFrames()
    world.section = CFIAssembler()
    // rbp at CFA + 0x1000.
    world.function(0x40_1000..<0x40_1100, [0x0e, 16, 0x11, 6] + sleb(-0x200))
    world.function(0x40_2000..<0x40_2100, [0x0c, 6, 16])
    world.memory.reason = .excluded
    let trace = world.unwind()
    let fault = MemoryFault(address: VirtualAddress(0x7f_1010), reason: .excluded)
    #expect(trace.frames[1].registers[.rbp] == nil)
    #expect(trace.stop == .cfaUnknown(.rbp, name: "rbp", .unreadable(fault)))
    #expect(
      "\(trace.stop)"
        == "caller's CFA unknown: rbp was saved, but the page at 0x7f1010 was left out of the dump")
  }

  @Test("a return address that can't be read, and one that no rule gives")
  func returnAddress() {
    var world = threeFrames()
    world.setRegisters(["rsp": 0x7f_4000])
    #expect(
      world.unwind().stop
        == .memory(MemoryFault(address: VirtualAddress(0x7f_4008), reason: .unmapped)))
    world.section = CFIAssembler()
    world.function(0x40_1000..<0x40_1100, [0x09, 16, 50])
    #expect(world.unwind().stop == .returnAddressUnknown(.notSaved))
  }

  @Test("a return address that nobody's call left ends the stack")
  func placedReturnAddress() {
    var world = threeFrames()
    // As makecontext does: the start of a function, with nothing before it.
    world.memory.write(words: [0x40_8000], at: 0x7f_0028)
    world.function(0x40_8000..<0x40_8020, [])
    world.memory.write([UInt8](repeating: 0x90, count: 16), at: 0x40_7ff0)
    let trace = world.unwind()
    #expect(trace.pcs == [0x40_1005, 0x40_2010, 0x40_8000])
    #expect(trace.stop == .endOfStack(.placedReturnAddress))
    // After a call that doesn't return, the same address is an ordinary one.
    world.callReturning(to: 0x40_8000)
    #expect(world.unwind().stop != .endOfStack(.placedReturnAddress))
  }

  @Test("a return address of 0 ends the stack")
  func zero() {
    var world = threeFrames()
    world.memory.write(words: [0], at: 0x7f_0028)
    let trace = world.unwind()
    #expect(trace.pcs == [0x40_1005, 0x40_2010])
    #expect(trace.stop == .endOfStack(.zeroReturnAddress))
  }

  @Test("a stack that doesn't grow")
  func noProgress() {
    var world = StackWorld()
    // Returns to itself without taking anything off the stack.
    world.function(0x40_1000..<0x40_1100, [0x09, 16, 3, 0x0c, 12, 0])
    world.setRegisters(["rip": 0x40_1005, "rsp": 0x7f_0000, "rbx": 0x40_1005, "r12": 0x7f_0040])
    let trace = world.unwind()
    #expect(trace.pcs == [0x40_1005, 0x40_1005])
    #expect(
      trace.stop
        == .cfaDidNotAdvance(from: VirtualAddress(0x7f_0040), to: VirtualAddress(0x7f_0040)))
  }

  @Test("a cycle by way of an expression")
  func cycle() {
    var world = StackWorld()
    // CFA = the word at rsp, so the stack goes where it wants: round in a ring of three.
    for (from, to) in [(0x7f_0000, 0x7f_0100), (0x7f_0100, 0x7f_0200), (0x7f_0200, 0x7f_0000)] {
      world.memory.write(words: [UInt64(to), 0x40_1010], at: UInt64(from))
    }
    // The return address is at CFA + 8.
    world.function(0x40_1000..<0x40_1100, [0x0f, 3, 0x77, 0, 0x06, 0x11, 16, 0x7f])
    world.setRegisters(["rip": 0x40_1010, "rsp": 0x7f_0000])
    let trace = world.unwind()
    guard case .cycle(pc: VirtualAddress(0x40_1010), cfa: _) = trace.stop else {
      Issue.record("\(trace.stop)")
      return
    }
    #expect(trace.frames.count <= 10)
  }

  @Test("damaged CFI is named")
  func damaged() {
    var world = StackWorld()
    world.function(0x40_1000..<0x40_1100, [0x17])
    world.setRegisters(["rip": 0x40_1005, "rsp": 0x7f_0000])
    #expect(
      world.unwind().stop
        == .damaged(pc: VirtualAddress(0x40_1005), .unknownInstruction(0x17, entry: 24)))
  }

  @Test("AArch64: a leaf's link register, and a signed return address")
  func aarch64() {
    var world = StackWorld()
    world.architecture = .aarch64
    var cie = CFIAssembler.CIE()
    cie.returnAddress = 30
    cie.instructions = [0x0c, 31, 0]
    world.function(0x40_1000..<0x40_1100, [], cie: cie)
    // Signed; x29 and x30 at the bottom of a frame of 32 bytes.
    world.function(0x40_2000..<0x40_2100, [0x2d, 0x0e, 32, 0x9d, 4, 0x9e, 3], cie: cie)
    world.function(0x40_3000..<0x40_3100, [0x07, 30], cie: cie)
    world.memory.write(words: [0x7f_0100, 0x55 << 56 | 0x40_3020], at: 0x7f_0000)
    world.setRegisters(["pc": 0x40_1004, "sp": 0x7f_0000, "x30": 0x40_2010, "x19": 5, "x0": 6])
    let trace = world.unwind()
    #expect(trace.pcs == [0x40_1004, 0x40_2010, 0x40_3020])
    #expect(trace.stop == .endOfStack(.returnAddressUndefined))
    #expect(trace.frames[2].registers[RegisterNumber(19)] == 5)
    #expect(trace.frames[2].registers[RegisterNumber(0)] == nil)
    #expect(trace.frames[2].registers[RegisterNumber(29)] == 0x7f_0100)
  }
}

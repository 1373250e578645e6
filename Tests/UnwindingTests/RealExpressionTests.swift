import Bytes
import TestWorlds
import Testing
import Unwinding

/// The expressions that real binaries have in their CFI.
@Suite struct RealExpressionTests {
  @Test("the PLT's CFA: 8 or 16 bytes above rsp, by the place in the 16-byte entry")
  func procedureLinkageTable() throws {
    let path = "/usr/bin/gdb"
    let table = try #require(try ehFrameTable(of: path))
    let plt = try #require(try ELFSections(try file(path))[".plt"]).address
    var registers = RegisterState()
    registers[.rsp] = 0x7f_0000
    var memory = SparseMemory()
    memory.write(words: [1, 2, 3, 4], at: 0x7f_0000)
    // `jmp *…` (6 bytes), `push $n` (5 bytes), `jmp`: from byte 11 on, one word more is on the
    // stack.
    for entry in 1...3 as ClosedRange<UInt64> {
      for byte in 0..<16 as Range<UInt64> {
        let pc = plt &+ (16 * entry + byte)
        registers[.rip] = pc.rawValue
        let row = try #require(try table.row(at: pc))
        guard case .expression = row.cfa else {
          Issue.record("\(pc): \(row.cfa)")
          return
        }
        let step = try row.step(from: registers, memory: memory, architecture: .x86_64)
        let isPushed = byte >= 11
        #expect(step.cfa == VirtualAddress(isPushed ? 0x7f_0010 : 0x7f_0008))
        #expect(step.returnAddress == .known(VirtualAddress(isPushed ? 2 : 1)))
      }
    }
  }

  @Test("the C library's signal frame is the kernel's")
  func signalFrame() throws {
    let path = "/lib/x86_64-linux-gnu/libc.so.6"
    let table = try #require(try ehFrameTable(of: path))
    let fde = try #require(
      try readelfFDEs(path, section: ".eh_frame").first {
        $0.rows.first?.rules.count == 17 && $0.rows.first?.cfa == "exp"
      })
    // It begins one byte before `__restore_rt`.
    let row = try #require(try table.row(at: VirtualAddress(fde.start + 1)))
    #expect(row.isSignalFrame)
    var registers = RegisterState()
    registers[.rsp] = 0x7f_0000
    var memory = SparseMemory()
    memory.write(words: (0..<40).map { 0x1000 + $0 }, at: 0x7f_0000)
    let byLibrary = try row.step(from: registers, memory: memory, architecture: .x86_64)
    let byKernel = try Architecture.x86_64.signalTrampoline.row.step(
      from: registers, memory: memory, architecture: .x86_64)
    #expect(byLibrary.registers == byKernel.registers)
    #expect(byLibrary.cfa == byKernel.cfa && byLibrary.returnAddress == byKernel.returnAddress)
    // Nothing is unknown behind a signal frame.
    for number in 0...16 as ClosedRange<UInt16> {
      #expect(byKernel.registers[RegisterNumber(number)] != nil)
    }
  }
}

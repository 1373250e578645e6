import Bytes
import TestWorlds
import Unwinding

/// A program of two modules' worth of code and one stack.
///
///     0x40_0000…  code of a module loaded 0x3f_0000 above its link-time addresses, with CFI
///     0x60_0000…  code without CFI
///     0x7f_0000…  the stack
struct StackWorld: UnwindTableProvider {
  static let bias: UInt64 = 0x3f_0000
  var section = CFIAssembler()
  var memory = SparseMemory()
  var registers = RegisterState()
  var architecture = Architecture.x86_64
  /// What calls look like here: bytes that end with `call *%rax`.
  static let call: [UInt8] = [0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0xff, 0xd0]

  /// Appends an FDE for run-time addresses.
  mutating func function(
    _ range: Range<UInt64>, _ instructions: [UInt8], cie: CFIAssembler.CIE = CFIAssembler.CIE()
  ) {
    let offset = section.cie(cie)
    section.fde(
      cie: offset, range.lowerBound - Self.bias..<range.upperBound - Self.bias, instructions)
  }

  /// Makes `address` a return address: a call stands before it.
  mutating func callReturning(to address: UInt64) {
    memory.write(Self.call, at: address - 8)
  }

  mutating func setRegisters(_ values: [String: UInt64]) {
    for (name, value) in values {
      if let register = architecture.register(named: name) { registers[register] = value }
    }
  }

  func unwindTable(for pc: VirtualAddress) -> LocatedUnwindTable? {
    guard (0x40_0000..<0x50_0000).contains(pc.rawValue) else { return nil }
    let table = CFITable(
      CFISection(.ehFrame, section.view, address: VirtualAddress(section.address)),
      architecture: architecture)
    return LocatedUnwindTable(table: table, bias: Self.bias)
  }

  func isCode(_ pc: VirtualAddress) -> Bool { (0x40_0000..<0x70_0000).contains(pc.rawValue) }

  func unwind(limit: Int = 100, isAfterCall: Bool = false) -> Backtrace {
    Unwinder(architecture: architecture).unwind(
      from: registers, memory: memory, tables: self, limit: limit, isAfterCall: isAfterCall)
  }
}

extension Backtrace {
  var pcs: [UInt64] { frames.map(\.pc.rawValue) }
}

extension RegisterNumber {
  static let rax = RegisterNumber(0)
  static let rbx = RegisterNumber(3)
  static let rbp = RegisterNumber(6)
  static let rsp = RegisterNumber(7)
  static let r12 = RegisterNumber(12)
  static let rip = RegisterNumber(16)
}

import Bytes
import Targets

/// The descriptor of a "QEMU" note, type 0: a CPU's state as QEMU's `dump-guest-memory` has it.
///
///      0  version u32 (1)       4  size u32 (of all this)
///      8  rax rbx rcx rdx rsi rdi rsp rbp r8 … r15, each u64
///    136  rip u64             144  rflags u64
///    152  cs ds es fs gs ss ldt tr gdt idt, each:
///           0  selector u32   4  limit u32   8  flags u32   12  padding   16  base u64
///    392  cr0 … cr4, each u64
///    432  kernel_gs_base u64 (not in files of QEMU before 3.0)
///
/// Source: QEMU target/i386/arch_dump.c, `struct QEMUCPUState`.
enum QEMUCPUNote {
  private static let general: [X86CPUState.General] = [
    .rax, .rbx, .rcx, .rdx, .rsi, .rdi, .rsp, .rbp,
    .r8, .r9, .r10, .r11, .r12, .r13, .r14, .r15,
  ]
  private static let segments: [X86CPUState.SegmentRegister] = [
    .cs, .ds, .es, .fs, .gs, .ss, .ldt, .tr, .gdt, .idt,
  ]
  /// Up to and with `kernel_gs_base`.
  private static let size: UInt64 = 440

  /// Throws `.outOfBounds` if the note is cut; nil if its version isn't 1.
  static func decode(_ descriptor: ByteView) throws(ByteError) -> X86CPUState? {
    var cursor = ByteCursor(descriptor)
    guard try cursor.read(UInt32.self) == 1 else { return nil }
    let size = UInt64(try cursor.read(UInt32.self))
    var state = X86CPUState()
    for register in general { state[register] = try cursor.read(UInt64.self) }
    state.rip = try cursor.read(UInt64.self)
    state.rflags = try cursor.read(UInt64.self)
    for register in segments {
      let selector: UInt32 = try cursor.read()
      let limit: UInt32 = try cursor.read()
      let flags: UInt32 = try cursor.read()
      try cursor.skip(4)
      state.segments[register] = X86Segment(
        selector: selector, base: try cursor.read(), limit: limit, flags: flags)
    }
    state.cr0 = try cursor.read(UInt64.self)
    try cursor.skip(8)  // CR1, which no CPU has.
    state.cr2 = try cursor.read(UInt64.self)
    state.cr3 = try cursor.read(UInt64.self)
    state.cr4 = try cursor.read(UInt64.self)
    if size >= Self.size { state[.kernelGSBase] = try cursor.read(UInt64.self) }
    return state
  }
}

import Bytes
import ObjectFiles
import Targets

/// What a CORE/NT_PRSTATUS note in the dump of an x86 machine tells of a CPU.
///
/// It has the selectors, but not what they stood for, so no segment register is known from it; and
/// the bases of FS and GS in notes that a kernel wrote are those of the user's task.
///
/// 64-bit (linux/elfcore.h `struct elf_prstatus`, 336 bytes):
///
///     112  r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax
///          rip cs eflags rsp ss fs_base gs_base ds es fs gs, each u64
///
/// 32-bit (144 bytes):
///
///      72  ebx ecx edx esi edi ebp eax ds es fs gs orig_eax eip cs eflags esp ss, each u32
enum StatusNote {
  private static let wide: [X86CPUState.General?] = [
    .r15, .r14, .r13, .r12, .rbp, .rbx, .r11, .r10, .r9, .r8, .rax, .rcx, .rdx, .rsi, .rdi, nil,
  ]
  private static let narrow: [X86CPUState.General?] = [
    .rbx, .rcx, .rdx, .rsi, .rdi, .rbp, .rax, nil, nil, nil, nil, nil,
  ]
  private static let wideSize: UInt64 = 336
  private static let narrowSize: UInt64 = 144

  /// Nil if the note has the size of neither form. Throws `.outOfBounds` if it is cut.
  static func decode(_ note: ELFNote) throws(ByteError) -> X86CPUState? {
    switch note.declaredSize {
    case wideSize:
      return try registers(note.descriptor, at: 112, wide) { cursor throws(ByteError) in
        try cursor.read(UInt64.self)
      }
    case narrowSize:
      return try registers(note.descriptor, at: 72, narrow) { cursor throws(ByteError) in
        UInt64(try cursor.read(UInt32.self))
      }
    default: return nil
    }
  }

  /// After those of `order` come in both forms: instruction pointer, CS, flags, stack pointer.
  private static func registers(
    _ descriptor: ByteView, at offset: UInt64, _ order: [X86CPUState.General?],
    _ read: (inout ByteCursor) throws(ByteError) -> UInt64
  ) throws(ByteError) -> X86CPUState {
    var cursor = ByteCursor(descriptor, at: offset)
    var state = X86CPUState()
    for register in order {
      let value = try read(&cursor)
      if let register { state[register] = value }
    }
    state.rip = try read(&cursor)
    _ = try read(&cursor)
    state.rflags = try read(&cursor)
    state[.rsp] = try read(&cursor)
    return state
  }
}

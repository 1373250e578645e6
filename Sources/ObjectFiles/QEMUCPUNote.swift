public import Bytes

/// The state of an x86 CPU as QEMU's dumps hold it: a note of owner "QEMU" and type 0.
///
///      0  version u32 = 1     4  size u32: of the descriptor, 440, or 432 without kernel_gs_base
///      8  rax rbx rcx rdx rsi rdi rsp rbp r8 … r15, rip, rflags: 18 × u64
///    152  cs ds es fs gs ss ldt tr gdt idt: 10 × 24 bytes
///           0  selector u32   4  limit u32   8  flags u32   12  pad u32   16  base u64
///    392  cr0 … cr4: 5 × u64
///    432  kernel_gs_base u64, since QEMU 3.0
///
/// Source: QEMU, target/i386/arch_dump.c, `QEMUCPUState`.
public struct QEMUCPUNote: Hashable, Sendable {
  /// A segment register with its hidden part.
  public struct Segment: Hashable, Sendable {
    public var selector: UInt32 = 0
    public var limit: UInt32 = 0
    public var flags: UInt32 = 0
    public var base: UInt64 = 0

    public init() {}
  }

  /// rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp, r8–r15, rip, rflags. Missing ones are written as 0.
  public var general: [UInt64] = []
  /// cs, ds, es, fs, gs, ss, ldt, tr, gdt, idt. Missing ones are written as zeros.
  public var segments: [Segment] = []
  /// cr0–cr4. Missing ones are written as 0.
  public var control: [UInt64] = []
  /// Nil for a note of the older form that has no place for it.
  public var kernelGSBase: UInt64?

  public init() {}

  public static let owner = "QEMU"
  public static let type = ELFNoteType(rawValue: 0)

  /// The state in a note's descriptor; nil if its version isn't 1. Throws `.outOfBounds` if it is cut.
  public static func decode(_ descriptor: ByteView) throws(ByteError) -> QEMUCPUNote? {
    var cursor = ByteCursor(descriptor)
    guard try cursor.read(UInt32.self) == 1 else { return nil }
    let size: UInt32 = try cursor.read()
    var note = QEMUCPUNote()
    for _ in 0..<18 { note.general.append(try cursor.read()) }
    for _ in 0..<10 {
      var segment = Segment()
      segment.selector = try cursor.read()
      segment.limit = try cursor.read()
      segment.flags = try cursor.read()
      try cursor.skip(4)
      segment.base = try cursor.read()
      note.segments.append(segment)
    }
    for _ in 0..<5 { note.control.append(try cursor.read()) }
    if size >= 440 { note.kernelGSBase = try cursor.read(UInt64.self) }
    return note
  }

  /// The note's descriptor.
  public func encode() -> [UInt8] {
    var writer = ByteWriter()
    writer.append(UInt32(1))
    writer.append(UInt32(kernelGSBase == nil ? 432 : 440))
    for index in 0..<18 { writer.append(index < general.count ? general[index] : 0) }
    for index in 0..<10 {
      let segment = index < segments.count ? segments[index] : Segment()
      writer.append(segment.selector)
      writer.append(segment.limit)
      writer.append(segment.flags)
      writer.append(UInt32(0))
      writer.append(segment.base)
    }
    for index in 0..<5 { writer.append(index < control.count ? control[index] : 0) }
    if let kernelGSBase { writer.append(kernelGSBase) }
    return writer.bytes
  }
}

/// NT_PRSTATUS of 32-bit x86, as far as QEMU's dumps of CPUs outside long mode fill it in.
///
///      0  signals, all 0
///     24  pr_pid u32
///     28  more ids and times, all 0
///     72  ebx ecx edx esi edi ebp eax, each u32
///    100  ds es fs gs, each u16 and 2 bytes of padding
///    116  orig_eax u32  120  eip u32  124  cs u16 and padding  128  eflags u32  132  esp u32
///    136  ss u16 and padding
///    140  pr_fpvalid u32 = 0
///
/// Sources: linux/elfcore.h `struct elf_prstatus` on i386; QEMU, target/i386/arch_dump.c,
/// `x86_elf_prstatus`.
public struct I386ThreadStatus: Hashable, Sendable {
  public var threadID: UInt32
  /// ebx, ecx, edx, esi, edi, ebp, eax. Missing ones are written as 0.
  public var general: [UInt32] = []
  /// ds, es, fs, gs.
  public var dataSegments: [UInt16] = []
  public var eip: UInt32 = 0
  public var cs: UInt16 = 0
  public var eflags: UInt32 = 0
  public var esp: UInt32 = 0
  public var ss: UInt16 = 0

  public init(threadID: UInt32) { self.threadID = threadID }

  /// The note's descriptor.
  public func encode() -> [UInt8] {
    var writer = ByteWriter()
    writer.append(contentsOf: repeatElement(0, count: 24))
    writer.append(threadID)
    writer.append(contentsOf: repeatElement(0, count: 44))
    for index in 0..<7 { writer.append(index < general.count ? general[index] : 0) }
    for index in 0..<4 {
      writer.append(UInt32(index < dataSegments.count ? dataSegments[index] : 0))
    }
    writer.append(UInt32(0))  // orig_eax
    writer.append(eip)
    writer.append(UInt32(cs))
    writer.append(eflags)
    writer.append(esp)
    writer.append(UInt32(ss))
    writer.append(UInt32(0))
    return writer.bytes
  }
}

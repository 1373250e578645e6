internal import GDBRemote
internal import TimeTravel

/// What differs from one emulated processor to the other: the registers of QEMU's `g` packet.
struct EngineArchitecture: Sendable {
  /// In QEMU's name: `qemu-system-x86_64`.
  let name: String
  /// Offsets in bytes, of 64-bit little-endian numbers.
  let programCounter: Int
  let stackPointer: Int
  /// Bits of the registers that aren't the same each time that QEMU replays to a state.
  let undefined: EngineRegisters.UndefinedBits?
  /// Instructions that QEMU takes for a wish to let others work or to wait, as they begin (7.2
  /// target/i386/tcg/misc_helper.c, helper_pause, helper_hlt; target/arm/op_helper.c, yield, wfe, wfi).
  let yields: [[UInt8]]
  /// How the CPU stores where to return to when it takes an interrupt or exception; nil if it has registers for that.
  let entry: EntryFrame?
  /// All registers, as debuggers are told.
  let description: TargetDescription

  /// CF, PF, AF, ZF, SF and OF, some of which many instructions leave undefined. After `bt`, for one, QEMU leaves OF as
  /// it was computed last, which depends on what the translated block that `bt` is in knows of the instructions
  /// before it (7.2 target/i386/tcg/translate.c), and a single step is a block of its own.
  private static let statusFlags: [UInt8] = [0xd5, 0x08]

  /// Source: QEMU 7.2 gdb-xml/i386-64bit.xml (rax rbx rcx rdx rsi rdi rbp rsp r8–r15 rip eflags) and
  /// gdb-xml/aarch64-core.xml (x0–x30 sp pc).
  static let known: [EngineArchitecture] = [
    EngineArchitecture(
      name: "x86_64", programCounter: 16 * 8, stackPointer: 7 * 8,
      undefined: .init(offset: 17 * 8, masks: statusFlags), yields: [[0xf3, 0x90], [0xf4]],
      entry: EntryFrame(), description: .x86_64()),
    EngineArchitecture(
      name: "aarch64", programCounter: 32 * 8, stackPointer: 31 * 8, undefined: nil,
      yields: [
        [0x3f, 0x20, 0x03, 0xd5], [0x5f, 0x20, 0x03, 0xd5], [0x7f, 0x20, 0x03, 0xd5],
      ], entry: nil, description: .aarch64()),
  ]

  /// The one that the program at `path` emulates; nil if it isn't known.
  static func of(_ path: String) -> EngineArchitecture? {
    let name = path.split(separator: "/").last ?? ""
    return known.first { name.contains($0.name) }
  }
}

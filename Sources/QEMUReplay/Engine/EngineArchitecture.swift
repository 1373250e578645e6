internal import GDBRemote

/// What differs from one emulated processor to the other: the registers of QEMU's `g` packet.
struct EngineArchitecture: Sendable {
  /// In QEMU's name: `qemu-system-x86_64`.
  let name: String
  /// Offsets in bytes, of 64-bit little-endian numbers.
  let programCounter: Int
  let stackPointer: Int
  /// Instructions that QEMU takes for a wish to let others work or to wait, as they begin (7.2
  /// target/i386/tcg/misc_helper.c, helper_pause, helper_hlt; target/arm/op_helper.c, yield, wfe, wfi).
  let yields: [[UInt8]]
  /// All registers, as debuggers are told.
  let description: TargetDescription

  /// Source: QEMU 7.2 gdb-xml/i386-64bit.xml (rax rbx rcx rdx rsi rdi rbp rsp r8–r15 rip) and
  /// gdb-xml/aarch64-core.xml (x0–x30 sp pc).
  static let known: [EngineArchitecture] = [
    EngineArchitecture(
      name: "x86_64", programCounter: 16 * 8, stackPointer: 7 * 8, yields: [[0xf3, 0x90], [0xf4]],
      description: .x86_64()),
    EngineArchitecture(
      name: "aarch64", programCounter: 32 * 8, stackPointer: 31 * 8,
      yields: [
        [0x3f, 0x20, 0x03, 0xd5], [0x5f, 0x20, 0x03, 0xd5], [0x7f, 0x20, 0x03, 0xd5],
      ], description: .aarch64()),
  ]

  /// The one that the program at `path` emulates; nil if it isn't known.
  static func of(_ path: String) -> EngineArchitecture? {
    let name = path.split(separator: "/").last ?? ""
    return known.first { name.contains($0.name) }
  }
}

public import Bytes
public import Unwinding

/// How one C library stores registers in a `jmp_buf`, where QEMU's coroutines keep theirs.
public struct JumpBufferFormat: Sendable {
  /// The library and CPU, for messages.
  public let name: String
  /// Which register each stored word is.
  public let slots: [Slot]
  /// How many bits a mangled word is rotated left after the exclusive or.
  public let rotation: UInt64
  public let guardLocation: GuardLocation
  /// Indices of the words for the stack pointer and the program counter.
  let stackPointerSlot: Int
  let programCounterSlot: Int

  /// One word of the buffer.
  public struct Slot: Hashable, Sendable {
    /// The word's position, counted in words of 8 bytes.
    public let index: Int
    /// The registers that get the word's value.
    public let registers: [RegisterNumber]
    public let isMangled: Bool
  }

  /// Where a process keeps the secret that its mangled pointers are combined with.
  public enum GuardLocation: Hashable, Sendable {
    /// So many bytes from the thread pointer, the same value in every thread.
    case threadControlBlock(offset: UInt64)
    /// In a variable; the dynamic linker's own copy is the other name.
    case variable(name: String, linkerName: String)
    /// The library doesn't mangle pointers.
    case notMangled
  }

  /// How many words have to be read to decode a buffer.
  public var wordCount: Int { (slots.map(\.index).max() ?? -1) + 1 }

  /// The pointer that `stored` stands for.
  func demangled(_ stored: UInt64, guardedBy guardValue: UInt64) -> UInt64 {
    guard guardLocation != .notMangled else { return stored }
    return Self.rotateRight(stored, by: rotation) ^ guardValue
  }

  static func rotateRight(_ word: UInt64, by count: UInt64) -> UInt64 {
    count == 0 ? word : word >> count | word << (64 - count)
  }

  /// The registers that the `words` at a buffer's start hold; those the format doesn't store stay
  /// unknown.
  public func registers(in words: [UInt64], guardedBy guardValue: UInt64) -> RegisterState {
    var state = RegisterState()
    for slot in slots where slot.index < words.count {
      let stored = words[slot.index]
      let value = slot.isMangled ? demangled(stored, guardedBy: guardValue) : stored
      for register in slot.registers { state[register] = value }
    }
    return state
  }

  /// The registers in the buffer at `address`.
  public func registers(
    at address: VirtualAddress, in memory: some Memory, guardedBy guardValue: UInt64
  ) throws(MemoryFault) -> RegisterState {
    var words: [UInt64] = []
    for index in 0..<wordCount {
      words.append(try memory.word(at: address &+ UInt64(index) * 8))
    }
    return registers(in: words, guardedBy: guardValue)
  }

  // A buffer of glibc on x86-64 (sysdeps/x86_64/jmpbuf-offsets.h), in words:
  //
  //      0     1     2     3     4     5     6     7
  //   ┌─────┬─────┬─────┬─────┬─────┬─────┬─────┬─────┐
  //   │ rbx │ rbp*│ r12 │ r13 │ r14 │ r15 │ rsp*│ rip*│   * mangled
  //   └─────┴─────┴─────┴─────┴─────┴─────┴─────┴─────┘
  //
  // A mangled word is rol(pointer ^ guard, 17), the guard being at fs:0x30 (`PTR_MANGLE` in
  // sysdeps/unix/sysv/linux/x86_64/pointer_guard.h, `tcbhead_t.pointer_guard` in
  // sysdeps/x86_64/nptl/tls.h). The stored rsp is that after __sigsetjmp has returned.
  public static let glibcX86 = JumpBufferFormat(
    name: "glibc x86-64", slots: x86Slots(mangled: [1, 6, 7]), rotation: 17,
    guardLocation: .threadControlBlock(offset: 0x30), stackPointerSlot: 6, programCounterSlot: 7)

  // musl keeps the same order and mangles nothing (src/setjmp/x86_64/setjmp.s).
  public static let muslX86 = JumpBufferFormat(
    name: "musl x86-64", slots: x86Slots(mangled: []), rotation: 0,
    guardLocation: .notMangled, stackPointerSlot: 6, programCounterSlot: 7)

  // A buffer of glibc on AArch64 (sysdeps/aarch64/jmpbuf-offsets.h, setjmp.S), in words:
  //
  //    0 … 9      10    11    12    13   14 … 21
  //   ┌─────────┬─────┬─────┬─────┬─────┬─────────┐
  //   │ x19…x28 │ x29 │ x30*│  –  │ sp* │ d8…d15  │   * mangled
  //   └─────────┴─────┴─────┴─────┴─────┴─────────┘
  //
  // A mangled word is pointer ^ guard, without rotation; the guard is a variable of the dynamic
  // linker (sysdeps/unix/sysv/linux/aarch64/pointer_guard.h).
  public static let glibcAArch64 = JumpBufferFormat(
    name: "glibc AArch64",
    slots: (0...10).map {
      Slot(index: $0, registers: [RegisterNumber(UInt16(19 + $0))], isMangled: false)
    } + [
      Slot(index: 11, registers: [RegisterNumber(30), RegisterNumber(32)], isMangled: true),
      Slot(index: 13, registers: [RegisterNumber(31)], isMangled: true),
    ], rotation: 0,
    guardLocation: .variable(
      name: "__pointer_chk_guard", linkerName: "__pointer_chk_guard_local"),
    stackPointerSlot: 13, programCounterSlot: 11)

  /// The formats to try for `architecture`, likeliest first.
  public static func formats(for architecture: Architecture) -> [JumpBufferFormat] {
    if architecture == .x86_64 { return [glibcX86, muslX86] }
    if architecture == .aarch64 { return [glibcAArch64] }
    return []
  }

  /// rbx, rbp, r12–r15, rsp and rip by their numbers in the psABI's table 3.36.
  private static func x86Slots(mangled: Set<Int>) -> [Slot] {
    let registers: [UInt16] = [3, 6, 12, 13, 14, 15, 7, 16]
    return registers.enumerated().map { index, register in
      Slot(
        index: index, registers: [RegisterNumber(register)], isMangled: mangled.contains(index))
    }
  }
}

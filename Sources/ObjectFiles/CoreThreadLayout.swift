internal import Bytes

/// How NT_PRSTATUS is laid out on one machine. Supporting a CPU means adding its row here.
///
///      0  si_signo i32     4  si_code i32     8  si_errno i32   12  pr_cursig i16
///     16  pr_sigpend u64  24  pr_sighold u64
///     32  pr_pid i32      36  pr_ppid i32    40  pr_pgrp i32    44  pr_sid i32
///     48  pr_utime        64  pr_stime       80  pr_cutime      96  pr_cstime
///                                               (each: seconds i64, microseconds i64)
///    112  pr_reg: n × u64
///         pr_fpvalid i32, and 4 bytes of padding
///
/// Sources: linux/elfcore.h `struct elf_prstatus`; asm/elf.h `elf_gregset_t`:
/// x86 `struct user_regs_struct` (27 words), arm64 `struct user_pt_regs` (34 words).
struct CoreThreadLayout {
  let registerCount: Int

  static let registersOffset: UInt64 = 112
  var fpValidOffset: UInt64 { Self.registersOffset + 8 * UInt64(registerCount) }
  /// The descriptor's size: 336 on x86-64, 392 on AArch64.
  var size: UInt64 { fpValidOffset + 8 }

  init?(_ machine: ELFMachine) {
    switch machine {
    case .x86_64: registerCount = 27
    case .aarch64: registerCount = 34
    default: return nil
    }
  }

  func decode(
    _ descriptor: ByteView, machine: ELFMachine
  ) throws(ByteError) -> (CoreThreadStatus, CoreRegisters?) {
    var status = CoreThreadStatus(threadID: 0)
    var cursor = ByteCursor(descriptor)
    status.signal = try cursor.read()
    status.signalCode = try cursor.read()
    status.signalErrno = try cursor.read()
    status.currentSignal = try cursor.read()
    try cursor.align(to: 8)
    status.pendingSignals = try cursor.read()
    status.heldSignals = try cursor.read()
    status.threadID = try cursor.read()
    status.parentID = try cursor.read()
    status.processGroup = try cursor.read()
    status.session = try cursor.read()
    status.userTime = try Self.time(&cursor)
    status.systemTime = try Self.time(&cursor)
    status.childrenUserTime = try Self.time(&cursor)
    status.childrenSystemTime = try Self.time(&cursor)
    var values: [UInt64] = []
    for _ in 0..<registerCount { values.append(try cursor.read()) }
    status.hasFloatingPoint = try cursor.read(Int32.self) != 0
    return (status, CoreRegisters(machine: machine, values: values))
  }

  private static func time(_ cursor: inout ByteCursor) throws(ByteError) -> CoreTime {
    CoreTime(seconds: try cursor.read(), microseconds: try cursor.read())
  }

  /// The descriptor that `decode` reads back.
  func encode(_ status: CoreThreadStatus, _ registers: CoreRegisters) -> [UInt8] {
    var writer = ByteWriter()
    writer.append(status.signal)
    writer.append(status.signalCode)
    writer.append(status.signalErrno)
    writer.append(status.currentSignal)
    writer.pad(to: 8)
    writer.append(status.pendingSignals)
    writer.append(status.heldSignals)
    writer.append(status.threadID)
    writer.append(status.parentID)
    writer.append(status.processGroup)
    writer.append(status.session)
    for time in [
      status.userTime, status.systemTime, status.childrenUserTime, status.childrenSystemTime,
    ] {
      writer.append(time.seconds)
      writer.append(time.microseconds)
    }
    for value in registers.values { writer.append(value) }
    writer.append(Int32(status.hasFloatingPoint ? 1 : 0))
    writer.pad(to: 8)
    return writer.bytes
  }
}

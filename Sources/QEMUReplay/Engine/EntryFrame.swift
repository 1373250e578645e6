internal import Bytes
internal import GDBRemote
internal import TimeTravel

/// What an x86 CPU stores when it takes an interrupt or exception. From low to high addresses:
///
///     64-bit mode     [error code] RIP CS RFLAGS RSP SS    8 bytes each; ends at a multiple of 16
///     protected mode  [error code] EIP CS EFLAGS [ESP SS]  4 bytes each; ESP and SS if the privilege changes
///     real mode       IP CS FLAGS                          2 bytes each
///
/// Source: Intel SDM, volume 3A, 6.12 and 6.14, volume 3B, 21.1.
struct EntryFrame: Sendable {
  /// Instructions that cause an exception and are counted by QEMU though they don't end, as they begin: INT3, INT, INTO,
  /// INT1, UD2, UD1 and UD0 (7.2 target/i386/tcg/translate.c, gen_interrupt and gen_exception).
  let traps: [[UInt8]] = [
    [0xcc], [0xcd], [0xce], [0xf1], [0x0f, 0x0b], [0x0f, 0xb9], [0x0f, 0xff],
  ]

  /// Where a step stored a frame, if it took an interrupt or exception; nil if it can't have.
  func range(_ before: RegisterValues, _ after: RegisterValues) -> MemoryRange? {
    guard let old = before["rsp"], let new = after["rsp"], old != new, let efer = after["efer"],
      let control = after["cr0"], let selector = after["ss"]
    else { return nil }
    if efer & Self.longMode != 0 {
      return range(new, count: new.isMultiple(of: 16) ? 6 * 8 : 5 * 8)
    }
    guard control & Self.protection != 0 else { return range(selector << 4 &+ new, count: 3 * 2) }
    // On the same stack all up to where it was; else with an error code, as it can't be told whether there is one.
    let pushed = old &- new
    return range(new, count: pushed == 3 * 4 || pushed == 4 * 4 ? pushed : 6 * 4)
  }

  private func range(_ start: UInt64, count: UInt64) -> MemoryRange {
    MemoryRange(.virtual(VirtualAddress(start)), count: count)
  }

  /// EFER.LMA.
  private static let longMode: UInt64 = 1 << 10
  /// CR0.PE.
  private static let protection: UInt64 = 1
}

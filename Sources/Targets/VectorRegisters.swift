import Bytes
import ObjectFiles
import Unwinding

/// The x87 and SSE registers of an x86-64 thread, from its FXSAVE area.
///
///      32  st0 … st7, 16 bytes each (10 used)
///     160  xmm0 … xmm15, 16 bytes each
///
/// Source: Intel SDM volume 1, section 10.5.1, "FXSAVE Area".
struct VectorRegisters: Sendable {
  private let area: ByteView

  /// Nil if the core holds none, or is another CPU's.
  init?(_ thread: CoreThread) {
    guard thread.registers.machine == .x86_64,
      let area = thread.floatingPoint ?? thread.extendedState
    else { return nil }
    self.area = area
  }

  /// The register's bytes by its DWARF number: xmm0–15 are 17–32, st0–7 33–40 (psABI x86-64, table
  /// 3.36). Nil for others, and where the area was cut.
  func bytes(of register: RegisterNumber) -> [UInt8]? {
    let (offset, count): (UInt64, UInt64)
    switch register.rawValue {
    case 17...32: (offset, count) = (160 + 16 * UInt64(register.rawValue - 17), 16)
    case 33...40: (offset, count) = (32 + 16 * UInt64(register.rawValue - 33), 10)
    default: return nil
    }
    let bytes = area.clampedSubview(at: offset, count: count)
    return UInt64(bytes.count) == count ? bytes.copy() : nil
  }
}

/// TCG's floating-point exceptions as MXCSR's flags.
///
/// TCG collects the exceptions of SSE instructions in `sse_status.float_exception_flags` and puts
/// them into `mxcsr` only when somebody looks (target/i386/tcg/fpu_helper.c,
/// `update_mxcsr_from_sse_status`). Their bits were repacked when they grew from one byte to two in
/// QEMU 7.0 (include/fpu/softfloat-types.h).
enum SSEExceptions {
  /// One exception.
  struct Row: Hashable, Sendable {
    /// QEMU's `float_flag_`….
    let name: String
    /// Its bit where the flags are a byte: up to 6.2. Nil if there was none.
    let inByte: UInt64?
    /// Its bit since 7.0.
    let inWord: UInt64
    /// What MXCSR has for it: Intel SDM volume 1, 10.2.3.
    let mxcsr: UInt32
  }

  static let rows = [
    Row(name: "invalid", inByte: 1, inWord: 0x1, mxcsr: 1 << 0),
    Row(name: "divbyzero", inByte: 4, inWord: 0x2, mxcsr: 1 << 2),
    Row(name: "overflow", inByte: 8, inWord: 0x4, mxcsr: 1 << 3),
    Row(name: "underflow", inByte: 16, inWord: 0x8, mxcsr: 1 << 4),
    Row(name: "inexact", inByte: 32, inWord: 0x10, mxcsr: 1 << 5),
    // A result that was flushed to zero is both too small and not exact.
    Row(name: "output_denormal", inByte: 128, inWord: 0x40, mxcsr: 1 << 4 | 1 << 5),
    // Since 10.0; before, no exception stood for MXCSR's DE.
    Row(name: "input_denormal_used", inByte: nil, inWord: 0x4000, mxcsr: 1 << 1),
  ]

  /// MXCSR's flags for TCG's `flags`, a number of `size` bytes.
  static func mxcsr(of flags: UInt64, size: UInt64) -> UInt32 {
    rows.reduce(0) { mxcsr, row in
      let bit = size == 1 ? row.inByte ?? 0 : row.inWord
      return flags & bit != 0 ? mxcsr | row.mxcsr : mxcsr
    }
  }
}
